#include "optimizers/proposals.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "redraft/settings.h"

namespace redraft {
namespace {

constexpr const char* kField = "proposal";

// What stands between a pair of quotes or fences around the whole answer.
std::string unwrapped(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("```") && text.ends_with("```") && text.size() > 6) {
    const std::size_t line = text.find('\n');
    if (line != std::string_view::npos) text = trimmed(text.substr(line + 1, text.size() - line - 4));
  }
  if (text.size() > 2 && text.front() == '"' && text.back() == '"' &&
      text.substr(1, text.size() - 2).find('"') == std::string_view::npos)
    text = trimmed(text.substr(1, text.size() - 2));
  return std::string(text);
}

Proposal read_answer(const Completion& completion, std::string meta) {
  Proposal proposal{unwrapped(completion.text), completion.finish, std::move(meta)};
  if (Result<Json> envelope = parse_json(proposal.text); envelope.ok() && envelope->is_object()) {
    const auto found = envelope->find(kField);
    proposal.text = found != envelope->end() ? unwrapped(plain(*found)) : "";
  }
  return proposal;
}

// What a new text must obey and what was wrong with those of the round before: "" where there is nothing to say.
std::string conditions(const Parameter& parameter, const History& history) {
  std::string text;
  if (!parameter.placeholders.empty())
    text = "\n\nKeep " + listed(parameter.placeholders) +
           " in it, letter for letter: the texts of each case are put in there. Write no other double braces.";
  const Note note = history.last_note();
  const auto found = note.find(kWhyRefused);
  const Result<Json> why = parse_json(found == note.end() ? "{}" : found->second);
  if (!why.ok() || !why->is_object() || !why->contains(parameter.name)) return text;
  std::vector<std::string> reasons;
  for (const auto& [reason, times] : (*why)[parameter.name].items()) reasons.push_back(reason);
  return text + "\n\nTexts written before could not be used, for these reasons: " + listed(reasons) + ".";
}

}  // namespace

std::string fill(std::string_view meta, const std::map<std::string, std::string>& slots) {
  std::string filled;
  for (std::size_t i = 0; i < meta.size();) {
    const std::size_t close = meta[i] == '{' ? meta.find('}', i) : std::string_view::npos;
    const auto slot =
        close == std::string_view::npos ? slots.end() : slots.find(std::string(meta.substr(i + 1, close - i - 1)));
    if (slot == slots.end()) {
      filled += meta[i++];
      continue;
    }
    filled += slot->second;
    i = close + 1;
  }
  return filled;
}

Task<Result<Proposed>> propose(const Parameter& parameter, Candidate base, std::vector<Question> questions,
                               const History& history, Context& ctx) {
  const std::string besides = conditions(parameter, history);
  const bool enveloped = ctx.capabilities(Role::kTeacher).json_schema;
  std::vector<Request> requests;
  for (const Question& question : questions) {
    Request request;
    request.messages.emplace_back("user", fill(question.meta, question.slots) + besides);
    request.temperature = question.temperature;
    request.max_tokens = question.max_tokens;
    request.sample = question.sample;
    if (enveloped) {
      request.constraint.kind = Constraint::Kind::kJsonSchema;
      request.constraint.text = to_text(Json{{"type", "object"},
                                             {"properties", {{kField, {{"type", "string"}, {"minLength", 1}}}}},
                                             {"required", {kField}},
                                             {"additionalProperties", false}});
    }
    requests.push_back(std::move(request));
  }
  REDRAFT_AWAIT(const std::vector<Completion> answers, ctx.complete_all(Role::kTeacher, std::move(requests)));
  Proposed proposed;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Proposal proposal = read_answer(answers[i], questions[i].meta + besides);
    std::optional<std::string> why = why_inadmissible(parameter, proposal, history, ctx);
    Candidate candidate = base;
    candidate[parameter.name] = proposal.text;
    if (!why && (!seen.insert(proposal.text).second || history.knows(candidate)))
      why = "it is equal to one that was proposed before";
    if (why) proposed.refused.push_back(Refusal{parameter.name, std::move(proposal.text), std::move(*why)});
    else proposed.texts.push_back(std::move(proposal.text));
  }
  co_return std::move(proposed);
}

std::string rows_as_text(const Dataset& rows, std::size_t n, std::mt19937_64& rng) {
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  shuffle(order, rng);
  std::string text;
  for (std::size_t k = 0; k < std::min(n, order.size()); ++k) {
    const Example& row = rows[order[k]];
    for (const Fields* fields : {&row.inputs, &row.labels})
      for (const auto& [name, value] : *fields) text += name + ": " + shortened(plain(value), 400) + "\n";
    text += "\n";
  }
  return text;
}

}  // namespace redraft
