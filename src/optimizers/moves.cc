#include "optimizers/moves.h"

#include <algorithm>

namespace redraft {
namespace {

std::vector<Demonstration> parsed(const std::string& text) {
  auto list = parse_demonstrations(text);
  return list.ok() ? std::move(*list) : std::vector<Demonstration>{};
}

bool has(const std::vector<Demonstration>& list, const Demonstration& d) {
  return std::ranges::any_of(list, [&](const Demonstration& other) { return other.inputs == d.inputs; });
}

// One of the pool that is not in the list, or null.
const Demonstration* fresh_one(const std::vector<Demonstration>& pool, const std::vector<Demonstration>& list,
                               std::mt19937_64& rng) {
  std::vector<const Demonstration*> fresh;
  for (const Demonstration& d : pool)
    if (!has(list, d)) fresh.push_back(&d);
  return fresh.empty() ? nullptr : fresh[below(rng, fresh.size())];
}

}  // namespace

const Parameter* find_parameter(const std::vector<Parameter>& parameters, ParameterKind kind) {
  for (const Parameter& p : parameters)
    if (p.kind == kind && !p.frozen && (kind != ParameterKind::kDemonstrations || p.max_demonstrations > 0)) return &p;
  return nullptr;
}

const Parameter* find_parameter(const std::vector<Parameter>& parameters, std::string_view what) {
  const std::string end = "." + std::string(what);
  for (const Parameter& p : parameters)
    if (p.name.ends_with(end) && !p.frozen) return &p;
  return nullptr;
}

Demonstration labelled(const Example& row) { return Demonstration{row.inputs, row.labels, "", row.id}; }

std::vector<Demonstration> draw_covering(const std::vector<Demonstration>& pool, std::size_t n, std::mt19937_64& rng) {
  std::map<std::string, std::vector<const Demonstration*>> groups;
  for (const Demonstration& d : pool) groups[to_text(Json(d.outputs))].push_back(&d);
  std::vector<std::vector<const Demonstration*>> turns;
  for (auto& [outputs, group] : groups) {
    shuffle(group, rng);
    turns.push_back(std::move(group));
  }
  shuffle(turns, rng);
  std::vector<Demonstration> drawn;
  for (std::size_t depth = 0; drawn.size() < std::min(n, pool.size()); ++depth)
    for (const auto& group : turns)
      if (depth < group.size() && drawn.size() < n) drawn.push_back(*group[depth]);
  shuffle(drawn, rng);
  return drawn;
}

std::string drop_one(const std::string& demonstrations, std::mt19937_64& rng) {
  std::vector<Demonstration> list = parsed(demonstrations);
  if (list.empty()) return demonstrations;
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(below(rng, list.size())));
  return to_text(list);
}

std::string reorder(const std::string& demonstrations, std::mt19937_64& rng) {
  std::vector<Demonstration> list = parsed(demonstrations);
  if (list.size() < 2) return demonstrations;
  const std::size_t from = below(rng, list.size());
  const std::size_t to = (from + 1 + below(rng, list.size() - 1)) % list.size();
  std::swap(list[from], list[to]);
  return to_text(list);
}

std::string add_one(const std::string& demonstrations, const std::vector<Demonstration>& pool, std::size_t most,
                    std::mt19937_64& rng) {
  std::vector<Demonstration> list = parsed(demonstrations);
  const Demonstration* fresh = fresh_one(pool, list, rng);
  if (list.size() >= most || !fresh) return demonstrations;
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(below(rng, list.size() + 1)), *fresh);
  return to_text(list);
}

std::string swap_one(const std::string& demonstrations, const std::vector<Demonstration>& pool, std::mt19937_64& rng) {
  std::vector<Demonstration> list = parsed(demonstrations);
  const Demonstration* fresh = fresh_one(pool, list, rng);
  if (list.empty() || !fresh) return demonstrations;
  list[below(rng, list.size())] = *fresh;
  return to_text(list);
}

std::string drop_sentence(const std::string& instruction, const Parameter& parameter, std::mt19937_64& rng) {
  std::vector<std::string> sentences;
  std::string sentence;
  for (std::size_t i = 0; i < instruction.size(); ++i) {
    sentence += instruction[i];
    const bool ends =
        instruction[i] == '\n' || (std::string_view(".!?;").find(instruction[i]) != std::string_view::npos &&
                                   (i + 1 == instruction.size() || instruction[i + 1] == ' '));
    if (ends) sentences.push_back(std::exchange(sentence, {}));
  }
  if (!sentence.empty()) sentences.push_back(std::move(sentence));
  if (sentences.size() < 2) return instruction;
  const std::size_t gone = below(rng, sentences.size());
  std::string kept;
  for (std::size_t i = 0; i < sentences.size(); ++i)
    if (i != gone) kept += sentences[i];
  const std::size_t begin = kept.find_first_not_of(" \n");
  if (begin == std::string::npos) return instruction;
  kept.erase(0, begin);
  for (const std::string& placeholder : parameter.placeholders)
    if (kept.find(placeholder) == std::string::npos) return instruction;
  return kept;
}

std::string other_choice(const Parameter& parameter, const std::string& now, std::mt19937_64& rng) {
  std::vector<std::string> others = parameter.choices;
  std::erase(others, now);
  return others.empty() ? now : others[below(rng, others.size())];
}

}  // namespace redraft
