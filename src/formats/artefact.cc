#include "formats/artefact.h"

#include "base/file.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

OrderedJson parameter_json(const std::string& text) {
  if (text.starts_with('[')) {
    const Result<std::vector<Demonstration>> demonstrations = parse_demonstrations(text);
    const Result<Json> list = parse_json(text);
    if (demonstrations.ok() && list.ok() && to_text(*demonstrations) == text) return OrderedJson(*list);
  }
  return text;
}

OrderedJson candidate_json(const Candidate& candidate) {
  OrderedJson object = OrderedJson::object();
  for (const auto& [name, text] : candidate) object[name] = parameter_json(text);
  return object;
}

OrderedJson estimate_json(const Estimate& e) {
  OrderedJson object;
  object["mean"] = e.mean;
  object["ci95"] = OrderedJson::array({e.low, e.high});
  return object;
}

OrderedJson scores_json(const Comparison& c, Split split) {
  OrderedJson object;
  object["split"] = to_string(split);
  object["n"] = c.n;
  object["looks"] = c.looks;
  object["seed"] = estimate_json(c.seed);
  object["best"] = estimate_json(c.best);
  OrderedJson difference = estimate_json(c.difference);
  difference["p"] = c.p;
  difference["test"] = c.test;
  difference["significant"] = c.significant;
  difference["fixed"] = c.fixed;
  difference["broken"] = c.broken;
  object["difference"] = std::move(difference);
  return object;
}

OrderedJson program_json(const Artefact& a) {
  OrderedJson object(a.program);
  OrderedJson fitted = OrderedJson::object();
  for (const auto& [step, state] : a.fitted) fitted[step] = OrderedJson(state);
  object["fitted"] = std::move(fitted);
  return object;
}

OrderedJson spent_json(const Spent& spent) {
  OrderedJson object;
  object["calls"] = spent.calls;
  object["tokens_in"] = spent.tokens_in;
  object["tokens_out"] = spent.tokens_out;
  object["cost"] = spent.cost_known ? OrderedJson(spent.cost) : OrderedJson(nullptr);
  return object;
}

OrderedJson run_json(const Artefact::Run& run) {
  OrderedJson object;
  object["created"] = run.created;
  object["seconds"] = run.counters.seconds;
  object["calls_paid"] = run.counters.calls_paid;
  object["attempts"] = run.counters.attempts;
  object["tokens_computed"] = run.counters.tokens_computed;
  object["journal_hits"] = run.counters.journal_hits;
  object["strict"] = run.strict;
  return object;
}

}  // namespace

OrderedJson to_json(const Artefact& a) {
  OrderedJson object;
  object["schema_version"] = kArtefactSchema;
  object["redraft"] = a.redraft;
  object["task"] = a.task;
  object["shipped"] = a.shipped;
  object["reason"] = a.reason;
  object["parameters"] = candidate_json(a.parameters);
  if (a.best_found) object["best_found"] = candidate_json(*a.best_found);
  object["program"] = program_json(a);
  object["scores"] = a.scores ? scores_json(*a.scores, a.split) : OrderedJson(nullptr);
  object["optimizer"] = a.optimizer;
  object["settings"] = OrderedJson(a.settings);
  object["seed"] = a.seed;
  object["models"] = OrderedJson(a.models);
  object["stop"] = a.stop;
  object["spent"] = spent_json(a.spent);
  object["run"] = run_json(a.run);
  return object;
}

std::string to_text(const Artefact& artefact) {
  return to_json(artefact).dump(2, ' ', false, OrderedJson::error_handler_t::replace) + '\n';
}

Result<Artefact> load_artefact(const std::string& path) {
  REDRAFT_TRY(const std::string text, read_file(path));
  return parse_artefact(text, path);
}

Status save_artefact(const Artefact& artefact, const std::string& path) {
  const std::string text = to_text(artefact);
  REDRAFT_RETURN_IF_ERROR(parse_artefact(text, path).status());
  return write_file(path, text);
}

}  // namespace redraft
