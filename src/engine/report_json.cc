#include "engine/report_json.h"

namespace redraft {
namespace {

constexpr std::array kStops = {Stop::kConverged, Stop::kBudget, Stop::kCancelled, Stop::kSaturated};

Json to_json(const Estimate& e) { return {e.mean, e.low, e.high}; }
Json to_json(const Spent& s) { return {s.calls, s.tokens_in, s.tokens_out, s.cost, s.cost_known}; }

// Reads what is expected or notes that something is wrong; the caller asks once, at the end.
class Reader {
 public:
  bool ok() const { return ok_; }
  const Json& at(const Json& object, const char* key) {
    static const Json kNull;
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end()) return ok_ = false, kNull;
    return *found;
  }
  template <class T>
  void number(const Json& value, T& target) {
    if (value.is_number()) target = value.get<T>();
    else ok_ = false;
  }
  void truth(const Json& value, bool& target) {
    if (value.is_boolean()) target = value.get<bool>();
    else ok_ = false;
  }
  void text(const Json& value, std::string& target) {
    if (value.is_string()) target = value.get<std::string>();
    else ok_ = false;
  }
  const Json& entry(const Json& list, std::size_t i) {
    static const Json kNull;
    if (!list.is_array() || i >= list.size()) return ok_ = false, kNull;
    return list[i];
  }
  void texts(const Json& object, Candidate& target) {
    if (!object.is_object()) return void(ok_ = false);
    for (const auto& [name, value] : object.items()) text(value, target[name]);
  }
  void fitted(const Json& object, Fitted& target) {
    if (!object.is_object()) return void(ok_ = false);
    for (const auto& [name, value] : object.items()) target[name] = value;
  }
  void estimate(const Json& list, Estimate& e) {
    number(entry(list, 0), e.mean);
    number(entry(list, 1), e.low);
    number(entry(list, 2), e.high);
  }
  void spent(const Json& list, Spent& s) {
    number(entry(list, 0), s.calls);
    number(entry(list, 1), s.tokens_in);
    number(entry(list, 2), s.tokens_out);
    number(entry(list, 3), s.cost);
    truth(entry(list, 4), s.cost_known);
  }

 private:
  bool ok_ = true;
};

Json to_json(const Comparison& c) {
  return {{"n", c.n},
          {"looks", c.looks},
          {"seed", to_json(c.seed)},
          {"best", to_json(c.best)},
          {"difference", to_json(c.difference)},
          {"p", c.p},
          {"test", c.test},
          {"fixed", c.fixed},
          {"broken", c.broken},
          {"significant", c.significant}};
}

Comparison read_comparison(const Json& json, Reader& read) {
  Comparison c;
  read.number(read.at(json, "n"), c.n);
  read.number(read.at(json, "looks"), c.looks);
  read.estimate(read.at(json, "seed"), c.seed);
  read.estimate(read.at(json, "best"), c.best);
  read.estimate(read.at(json, "difference"), c.difference);
  read.number(read.at(json, "p"), c.p);
  read.text(read.at(json, "test"), c.test);
  read.number(read.at(json, "fixed"), c.fixed);
  read.number(read.at(json, "broken"), c.broken);
  read.truth(read.at(json, "significant"), c.significant);
  return c;
}

}  // namespace

Json to_json(const Report& r) {
  Json spent = Json::array();
  for (const Spent& s : r.spent) spent.push_back(to_json(s));
  return {{"seed", r.seed},
          {"best", r.best},
          {"fitted", {r.fitted[0], r.fitted[1]}},
          {"val_seed", to_json(r.val_seed)},
          {"val_best", to_json(r.val_best)},
          {"test", r.test ? to_json(*r.test) : Json()},
          {"test_cut_short", r.test_cut_short},
          {"stop", to_string(r.stop)},
          {"rounds", r.rounds},
          {"proposals", r.proposals},
          {"refusals", r.refusals},
          {"spent", std::move(spent)},
          {"run", {r.run.calls_paid, r.run.attempts, r.run.tokens_computed, r.run.journal_hits, r.run.seconds}},
          {"remarks", r.remarks}};
}

Result<Report> report_from_json(const Json& json) {
  Report r;
  Reader read;
  read.texts(read.at(json, "seed"), r.seed);
  read.texts(read.at(json, "best"), r.best);
  for (std::size_t i = 0; i < 2; ++i) read.fitted(read.entry(read.at(json, "fitted"), i), r.fitted[i]);
  read.estimate(read.at(json, "val_seed"), r.val_seed);
  read.estimate(read.at(json, "val_best"), r.val_best);
  if (const Json& test = read.at(json, "test"); !test.is_null()) r.test = read_comparison(test, read);
  read.truth(read.at(json, "test_cut_short"), r.test_cut_short);
  std::string stop;
  read.text(read.at(json, "stop"), stop);
  for (const Stop s : kStops)
    if (to_string(s) == stop) r.stop = s;
  read.number(read.at(json, "rounds"), r.rounds);
  read.number(read.at(json, "proposals"), r.proposals);
  read.number(read.at(json, "refusals"), r.refusals);
  for (std::size_t i = 0; i < r.spent.size(); ++i) read.spent(read.entry(read.at(json, "spent"), i), r.spent[i]);
  const Json& run = read.at(json, "run");
  read.number(read.entry(run, 0), r.run.calls_paid);
  read.number(read.entry(run, 1), r.run.attempts);
  read.number(read.entry(run, 2), r.run.tokens_computed);
  read.number(read.entry(run, 3), r.run.journal_hits);
  read.number(read.entry(run, 4), r.run.seconds);
  const Json& remarks = read.at(json, "remarks");
  for (std::size_t i = 0; remarks.is_array() && i < remarks.size(); ++i)
    read.text(remarks[i], r.remarks.emplace_back());
  if (!read.ok()) return Status(Code::kCorruption, "the stored report of the study is not one that this version reads");
  return r;
}

}  // namespace redraft
