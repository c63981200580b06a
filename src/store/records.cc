// JSON here is for people who open a run file with another program; numbers come back bit for bit.
#include "store/records.h"

#include <limits>

#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::array<Role, 3> kRoles = {Role::kStudent, Role::kTeacher, Role::kJudge};

Status unreadable(const std::string& text) {
  return Status(Code::kCorruption, "it holds what redraft did not write: " + shortened(text, 60));
}

Result<Json> object_from(const std::string& text) {
  auto parsed = parse_json(text);
  if (!parsed.ok() || !parsed->is_object()) return unreadable(text);
  return parsed;
}

template <class T>
void take(const Json& object, const std::string& key, T& into) {
  const auto at = object.find(key);
  if (at == object.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (at->is_boolean()) into = at->template get<bool>();
  } else if (at->is_number()) {
    into = at->template get<T>();
  }
}

}  // namespace

std::string to_text(const std::array<Spent, 3>& spent) {
  Json all = Json::object();
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    const Spent& s = spent[i];
    all[std::string(to_string(kRoles[i]))] = {{"calls", s.calls},
                                              {"tokens_in", s.tokens_in},
                                              {"tokens_out", s.tokens_out},
                                              {"cost", s.cost},
                                              {"cost_known", s.cost_known}};
  }
  return to_text(all);
}

std::string to_text(const RunCounters& r) {
  return to_text(Json{{"calls_paid", r.calls_paid},
                      {"attempts", r.attempts},
                      {"tokens_computed", r.tokens_computed},
                      {"journal_hits", r.journal_hits},
                      {"seconds", r.seconds}});
}

std::string to_text(const Fitted& fitted) {
  Json all = Json::object();
  for (const auto& [step, value] : fitted) all[step] = value;
  return to_text(all);
}

std::string parts_to_text(const std::map<std::string, double>& parts) {
  return parts.empty() ? "{}" : to_text(Json(parts));
}

Result<std::array<Spent, 3>> spent_from(const std::string& text) {
  REDRAFT_TRY(const Json all, object_from(text));
  std::array<Spent, 3> spent;
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    const auto at = all.find(std::string(to_string(kRoles[i])));
    if (at == all.end() || !at->is_object()) return unreadable(text);
    take(*at, "calls", spent[i].calls);
    take(*at, "tokens_in", spent[i].tokens_in);
    take(*at, "tokens_out", spent[i].tokens_out);
    take(*at, "cost", spent[i].cost);
    take(*at, "cost_known", spent[i].cost_known);
  }
  return spent;
}

Result<RunCounters> run_counters_from(const std::string& text) {
  REDRAFT_TRY(const Json all, object_from(text));
  RunCounters run;
  take(all, "calls_paid", run.calls_paid);
  take(all, "attempts", run.attempts);
  take(all, "tokens_computed", run.tokens_computed);
  take(all, "journal_hits", run.journal_hits);
  take(all, "seconds", run.seconds);
  return run;
}

Result<Fitted> fitted_from(const std::string& text) {
  REDRAFT_TRY(const Json all, object_from(text));
  Fitted fitted;
  for (const auto& [step, value] : all.items()) fitted[step] = value;
  return fitted;
}

Result<std::map<std::string, double>> parts_from(const std::string& text) {
  std::map<std::string, double> parts;
  if (text == "{}") return parts;
  REDRAFT_TRY(const Json all, object_from(text));
  for (const auto& [name, value] : all.items())
    parts[name] = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
  return parts;
}

Result<Json> json_from(const std::string& text) {
  auto parsed = parse_json(text);
  if (!parsed.ok()) return unreadable(text);
  return parsed;
}

Result<Split> split_from(const std::string& text) {
  for (Split split : {Split::kTrain, Split::kVal, Split::kTest})
    if (text == to_string(split)) return split;
  return unreadable(text);
}

}  // namespace redraft
