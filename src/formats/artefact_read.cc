// Reading an artefact. An entry knows its path in the file; the first fault is kept and everything after it yields
// defaults, so the reader below is a plain list of members, and nothing is handed out unless all of it was right.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "formats/artefact.h"
#include "formats/place.h"
#include "redraft/demonstration.h"

namespace redraft {
namespace {

struct Fault {
  std::string file;
  Status status;
  void say(const std::string& what) {
    if (status.ok()) status = Status(Code::kCorruption, file + ": " + what);
  }
};

class Entry {
 public:
  Entry(Fault& fault, const Json* value, std::string path) : fault_(&fault), value_(value), path_(std::move(path)) {}

  bool has(const char* key) const { return value_ && value_->is_object() && value_->contains(key); }
  Entry operator[](const char* key) const {
    Entry child(*fault_, has(key) ? &*value_->find(key) : nullptr, path_.empty() ? key : path_ + '.' + key);
    if (!child.value_) fault_->say(child.path_ + " is missing");
    return child;
  }
  Entry at(std::size_t i) const { return Entry(*fault_, &(*value_)[i], path_ + '[' + std::to_string(i) + ']'); }
  void only(std::initializer_list<const char*> known) const {
    if (!is_object()) return;
    for (const auto& [key, value] : value_->items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        fault_->say((path_.empty() ? "" : path_ + '.') + key + " is no key of an artefact");
  }
  // Complains unless it is an object.
  bool is_object() const { return value_ && (value_->is_object() || wrong("an object")); }
  bool is_null() const { return value_ && value_->is_null(); }

  std::string text() const {
    if (!value_ || (!value_->is_string() && !wrong("a text"))) return {};
    return value_->get_ref<const std::string&>();
  }
  std::string one_of(std::initializer_list<const char*> known) const {
    std::string value = text();
    std::string names;
    for (const char* name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    if (value_ && std::find(known.begin(), known.end(), value) == known.end()) wrong("one of " + names);
    return value;
  }
  bool truth() const {
    if (!value_ || (!value_->is_boolean() && !wrong("true or false"))) return false;
    return *value_->get_ptr<const bool*>();
  }
  double number(double least, double most) const {
    if (!value_) return 0;
    const double x = value_->is_number() ? value_->get<double>() : std::nan("");
    if (std::isfinite(x) && x >= least && x <= most) return x;
    wrong(most == 1 ? "a number from " + std::to_string(static_cast<int>(least)) + " to 1" : "a number of 0 or above");
    return 0;
  }
  std::uint64_t count() const {
    if (!value_ || (!value_->is_number_unsigned() && !wrong("a whole number of 0 or above"))) return 0;
    return value_->get<std::uint64_t>();
  }
  template <class Integer>
  void count_into(Integer& target) const {
    const std::uint64_t n = count();
    if (n > static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) wrong("smaller");
    else target = static_cast<Integer>(n);
  }
  Json object() const { return is_object() ? *value_ : Json::object(); }

  Candidate candidate() const {
    Candidate candidate;
    if (!is_object()) return candidate;
    for (const auto& [name, value] : value_->items())
      candidate.emplace(name, Entry(*fault_, &value, path_ + "[\"" + name + "\"]").parameter());
    return candidate;
  }
  Estimate estimate(double least) const {
    Estimate e;
    const Entry ci = (*this)["ci95"];
    e.mean = (*this)["mean"].number(least, 1);
    if (!ci.value_) return e;
    if (!ci.value_->is_array() || ci.value_->size() != 2) {
      ci.wrong("a list of two numbers");
      return e;
    }
    e.low = ci.at(0).number(least, 1);
    e.high = ci.at(1).number(least, 1);
    return e;
  }

 private:
  bool wrong(const std::string& expected) const {
    fault_->say(path_ + " must be " + expected + ", not " + shortened(value_ ? to_text(*value_) : "missing", 60));
    return false;
  }
  std::string parameter() const {
    if (!value_->is_array()) return text();
    std::string canonical = redraft::to_text(*value_);
    const Result<std::vector<Demonstration>> list = parse_demonstrations(canonical);
    if (!list.ok()) fault_->say(path_ + ": " + list.status().message());
    else if (redraft::to_text(*list) != canonical) fault_->say(path_ + " holds something that no demonstration has");
    return canonical;
  }

  Fault* fault_;
  const Json* value_;  // nullptr when missing, which was said already
  std::string path_;
};

Comparison read_scores(const Entry& scores, Split& split) {
  scores.only({"split", "n", "looks", "seed", "best", "difference"});
  const std::string name = scores["split"].one_of({"train", "val", "test"});
  for (const Split one : {Split::kTrain, Split::kVal, Split::kTest})
    if (name == to_string(one)) split = one;
  Comparison c;
  scores["n"].count_into(c.n);
  scores["looks"].count_into(c.looks);
  for (const char* side : {"seed", "best"}) scores[side].only({"mean", "ci95"});
  c.seed = scores["seed"].estimate(0);
  c.best = scores["best"].estimate(0);
  const Entry difference = scores["difference"];
  difference.only({"mean", "ci95", "p", "test", "significant", "fixed", "broken"});
  c.difference = difference.estimate(-1);
  c.p = difference["p"].number(0, 1);
  c.test = difference["test"].text();
  c.significant = difference["significant"].truth();
  difference["fixed"].count_into(c.fixed);
  difference["broken"].count_into(c.broken);
  return c;
}

void read_program(const Entry& program, Artefact& a) {
  a.program = program.object();
  const Json fitted = program["fitted"].object();
  for (const auto& [step, state] : fitted.items()) a.fitted.emplace(step, state);
  a.program.erase("fitted");
}

Spent read_spent(const Entry& spent) {
  Spent s;
  spent.only({"calls", "tokens_in", "tokens_out", "cost"});
  spent["calls"].count_into(s.calls);
  spent["tokens_in"].count_into(s.tokens_in);
  spent["tokens_out"].count_into(s.tokens_out);
  s.cost_known = !spent["cost"].is_null();
  if (s.cost_known) s.cost = spent["cost"].number(0, HUGE_VAL);
  return s;
}

Artefact::Run read_run(const Entry& run) {
  Artefact::Run r;
  run.only({"created", "seconds", "calls_paid", "attempts", "tokens_computed", "journal_hits", "strict"});
  r.created = run["created"].text();
  r.counters.seconds = run["seconds"].number(0, HUGE_VAL);
  run["calls_paid"].count_into(r.counters.calls_paid);
  run["attempts"].count_into(r.counters.attempts);
  run["tokens_computed"].count_into(r.counters.tokens_computed);
  run["journal_hits"].count_into(r.counters.journal_hits);
  r.strict = run["strict"].truth();
  return r;
}

Artefact read_all(const Entry& root) {
  Artefact a;
  root.only({"schema_version", "redraft", "task", "shipped", "reason", "parameters", "best_found", "program", "scores",
             "optimizer", "settings", "seed", "models", "stop", "spent", "run"});
  a.redraft = root["redraft"].text();
  a.task = root["task"].text();
  a.shipped = root["shipped"].one_of({"best", "seed"});
  a.reason = root["reason"].text();
  a.parameters = root["parameters"].candidate();
  if (root.has("best_found")) a.best_found = root["best_found"].candidate();
  read_program(root["program"], a);
  if (!root["scores"].is_null()) a.scores = read_scores(root["scores"], a.split);
  a.optimizer = root["optimizer"].text();
  a.settings = root["settings"].object();
  a.seed = root["seed"].count();
  a.models = root["models"].object();
  a.stop = root["stop"].one_of({"budget", "converged", "cancelled", "saturated"});
  a.spent = read_spent(root["spent"]);
  a.run = read_run(root["run"]);
  return a;
}

// One entry for every change of the schema: takes a file of version `from` to the next one.
struct Upgrade {
  int from;
  void (*apply)(Json& artefact);
};
constexpr std::array<Upgrade, 0> kUpgrades = {};

Status upgrade(Json& root, const std::string& file) {
  const auto version = root.is_object() ? root.find("schema_version") : root.end();
  if (!root.is_object() || version == root.end())
    return Status(Code::kCorruption, file + ": this is no artefact, for it has no schema_version");
  if (!version->is_number_unsigned() || *version == 0)
    return Status(Code::kCorruption,
                  file + ": schema_version must be a whole number of 1 or above, not " + to_text(*version));
  if (*version > kArtefactSchema)
    return invalid(file + ": schema_version " + to_text(*version) + " is newer than " +
                   std::to_string(kArtefactSchema) +
                   ", which this redraft (" REDRAFT_VERSION ") reads; use the redraft that wrote it, or a later one");
  for (const Upgrade& step : kUpgrades)
    if (root["schema_version"] == step.from) step.apply(root);
  return {};
}

}  // namespace

Result<Artefact> parse_artefact(std::string_view text, const std::string& file) {
  Json root;
  if (const std::optional<JsonFault> fault = read_json(text, root))
    return Status(Code::kCorruption, place_of(file, text, fault->byte) + ": " + fault->what);
  REDRAFT_RETURN_IF_ERROR(upgrade(root, file));
  Fault fault{file, {}};
  Artefact artefact = read_all(Entry(fault, &root, ""));
  if (!fault.status.ok()) return fault.status;
  return artefact;
}

}  // namespace redraft
