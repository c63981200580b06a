// Choices of a real model against an exhaustive reference: each label asked about alone, in strict mode, for label sets
// whose first tokens are shared. Strict mode must agree in every bit, and the fast way, which stops looking at a label
// once it cannot win, in every choice that is not within what rounding moves. Some rows; REDRAFT_CHOICES=300 takes
// more.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "support/embedded.h"

namespace redraft {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kFewRows = 12;  // what threads do to each other shows in few
#else
constexpr std::size_t kFewRows = 48;
#endif

const std::vector<std::vector<std::string>> kLabelSets = {
    {"billing", "shipping", "returns", "technical", "account", "sales"},
    {"a parcel that is late", "a parcel that is lost", "a parcel that is damaged", "a price that is wrong",
     "an account", "a device that is broken"},
    {"customer question about money", "customer question about a parcel", "customer question about a device",
     "customer complaint", "customer account"},
    {"refund", "refund request", "refund request denied", "delivery", "delivery date"},  // some begin others
};

std::vector<Request> rows(std::size_t count) {
  std::vector<Request> requests;
  std::ifstream file(REDRAFT_SOURCE_DIR "/examples/tickets/tickets.jsonl");
  for (std::string line; requests.size() < count && std::getline(file, line);) {
    const std::vector<std::string>& labels = kLabelSets[requests.size() % kLabelSets.size()];
    Request& request = requests.emplace_back();
    std::string all;
    for (const std::string& label : labels) all += (all.empty() ? "" : ", ") + label;
    request.messages.emplace_back("system", "What is the message about? Answer with one of: " + all + ".");
    request.messages.emplace_back("user", parse_json(line)->at("text").get<std::string>());
    request.constraint = {Constraint::Kind::kChoices, labels, ""};
  }
  return requests;
}

bool begins_another(const std::vector<std::string>& labels) {
  return std::ranges::any_of(labels, [&](const std::string& label) {
    return std::ranges::any_of(labels,
                               [&](const std::string& other) { return label != other && other.starts_with(label); });
  });
}

// One request per row and label. Where a label of the set begins another, the end of the turn counts for all of them:
// beside itself with more behind it, so does it for a label alone.
std::vector<Request> each_label_alone(const std::vector<Request>& rows) {
  std::vector<Request> requests;
  for (const Request& row : rows) {
    const bool with_end = begins_another(row.constraint.choices);
    for (const std::string& label : row.constraint.choices) {
      requests.push_back(row);
      requests.back().constraint.choices = {label};
      if (with_end) requests.back().constraint.choices.push_back(label + " and so on");
    }
  }
  return requests;
}

TEST(ChoicesTest, EqualAnExhaustiveReference) {
  const char* wanted = std::getenv("REDRAFT_CHOICES");
  const std::size_t count = wanted ? std::stoul(wanted) : kFewRows;
  const std::vector<Request> requests = rows(count);
  ASSERT_EQ(requests.size(), count);
  Embedded strict(true, {{"context", 2048}}), fast(false, {{"context", 2048}});
  const Answers alone = strict.ask(each_label_alone(requests)), together = strict.ask(requests);
  std::vector<Request> likeliest = requests;
  for (Request& request : likeliest) request.constraint.every_logprob = false;
  const Answers every = fast.ask(requests), early = fast.ask(likeliest);
  std::size_t next = 0, close = 0;
  double widest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<std::string>& labels = requests[i].constraint.choices;
    std::vector<double> reference;
    for (std::size_t k = 0; k < labels.size(); ++k, ++next) {
      ASSERT_TRUE(alone[next].ok()) << alone[next].status().message();
      reference.push_back(alone[next]->choice_logprobs[0]);
    }
    const auto best = std::ranges::max_element(reference);
    const std::string& winner = labels[static_cast<std::size_t>(best - reference.begin())];
    ASSERT_TRUE(together[i].ok() && every[i].ok() && early[i].ok());
    EXPECT_EQ(together[i]->choice_logprobs, reference) << i;
    EXPECT_EQ(together[i]->text, winner) << i;
    EXPECT_TRUE(early[i]->choice_logprobs.empty());
    for (const Answers* answers : {&every, &early}) {
      const std::string& text = (*answers)[i]->text;
      const double behind =
          *best - reference[static_cast<std::size_t>(std::ranges::find(labels, text) - labels.begin())];
      EXPECT_LE(behind, 2 * fast.noise()) << i << ": " << text << " instead of " << winner;
      close += text != winner;
    }
    for (std::size_t k = 0; k < labels.size(); ++k)
      widest = std::max(widest, std::abs(every[i]->choice_logprobs[k] - reference[k]));
  }
  EXPECT_LE(close, count / 10);  // of two answers per row
  RecordProperty("flipped", static_cast<int>(close));
  RecordProperty("widest_difference", std::to_string(widest));
  std::cout << count << " rows: " << close << " of " << 2 * count << " choices differ; log-probabilities by " << widest
            << " at most\n";
}

}  // namespace
}  // namespace redraft
