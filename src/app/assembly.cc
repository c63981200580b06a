#include "app/assembly.h"

#include <algorithm>

#include "app/labels.h"
#include "metrics/composite.h"
#include "models/llama_cpp.h"

namespace redraft {
namespace {

constexpr const char* kDefaultOptimizer = "demo_search";

Status apply_flags(TaskFile& task, const Flags& flags) {
  REDRAFT_RETURN_IF_ERROR(apply_overrides(task, flags.set));
  if (flags.optimizer && *flags.optimizer != task.optimizer.name) {
    task.optimizer.name = *flags.optimizer;  // the file's settings are for the file's optimizer
    Json of_flags = Json::object();
    for (const std::string& assignment : flags.set)
      if (const std::size_t equals = assignment.find('=');
          assignment.starts_with("optimizer.") && equals != std::string::npos) {
        const std::string key = assignment.substr(10, equals - 10);
        if (const auto found = task.optimizer.settings.find(key); found != task.optimizer.settings.end())
          of_flags[key] = *found;
      }
    task.optimizer.settings = std::move(of_flags);
  }
  if (task.optimizer.name.empty()) task.optimizer.name = kDefaultOptimizer;
  const auto with = [&](std::optional<ModelSpec>& spec, const std::optional<std::string>& flag) {
    if (flag) spec = ModelSpec{*flag, Json::object(), ".", flags.strict};
  };
  with(task.student, flags.student);
  with(task.teacher, flags.teacher);
  with(task.judge, flags.judge);
  return {};
}

Budget merged(const Budget& file, const Budget& flags) {
  Budget b = file;
  if (flags.calls > 0) b.calls = flags.calls;
  if (flags.tokens > 0) b.tokens = flags.tokens;
  if (flags.attempts > 0) b.attempts = flags.attempts;
  if (flags.cost > 0) b.cost = flags.cost;
  if (flags.seconds > 0) b.seconds = flags.seconds;
  if (flags.rounds > 0) b.rounds = flags.rounds;
  if (b.calls == 0 && b.tokens == 0 && b.cost <= 0 && b.seconds <= 0 && b.rounds == 0) b.calls = kDefaultCalls;
  return b;
}

// A complaint of whoever was handed settings, with its place in the task file: of the setting that it names, else of
// the table.
Status placed(const TaskFile& task, const std::string& table, const NamedSettings& part, const Status& status) {
  if (status.ok()) return status;
  const std::string& what = status.message();
  std::string key = table;
  std::size_t earliest = what.size();
  const auto consider = [&](const std::string& name, std::size_t at) {
    if (at < earliest) earliest = at, key = table + '.' + name;
  };
  for (const auto& [name, value] : part.settings.items()) {
    consider(name, what.find('"' + name + '"'));
    for (const char* behind : {" ", ".", ":"}) consider(name, what.find(": " + name + behind));
  }
  if (status.code() == Code::kNotFound && earliest == what.size()) key += table == "program" ? ".op" : ".name";
  return Status(status.code(), task.place(key) + ": " + what);
}

// Each metric of the task by itself.
Result<std::vector<std::unique_ptr<Metric>>> metrics_of(const TaskFile& task, const Surroundings& around) {
  std::vector<std::unique_ptr<Metric>> metrics;
  const Json* tables = task.document.find("metric");
  for (const MetricUse& use : task.metrics) {
    const std::string table = tables && tables->is_array() ? "metric." + std::to_string(metrics.size()) : "metric";
    Result<std::unique_ptr<Metric>> metric = make_metric(use.name, use.settings, around);
    REDRAFT_RETURN_IF_ERROR(placed(task, table, NamedSettings{use.name, use.settings}, metric.status()));
    if (const Status ready = (*metric)->ready(); !ready.ok())
      return Status(ready.code(), task.place(table) + ": " + ready.message());
    metrics.push_back(std::move(*metric));
  }
  return metrics;
}

// All of them as one.
Result<std::unique_ptr<Metric>> metric_of(const TaskFile& task, const Surroundings& around) {
  const MetricUse& first = task.metrics.front();
  if (task.metrics.size() == 1 && !first.must_pass) return make_metric(first.name, first.settings, around);
  Json uses = Json::array();
  for (const MetricUse& use : task.metrics) {
    Json entry = {{"name", use.name}, {"settings", use.settings}};
    if (use.must_pass) entry["must_pass"] = true;
    else entry["weight"] = use.weight;
    uses.push_back(std::move(entry));
  }
  return make_composite(Json{{"metrics", std::move(uses)}}, around);
}

// What there is to know of the data before a run.
Status look_at_data(Loop& loop, const Surroundings& around, Splits& splits, Assembly& a) {
  REDRAFT_TRY(const auto metrics, metrics_of(a.task, around));
  REDRAFT_TRY(const std::string labels, unmatched_labels(loop, metrics, *a.problem.program, around, splits));
  a.rows = "rows: " + std::to_string(splits.train.size()) + " train, " + std::to_string(splits.val.size()) + " val, " +
           std::to_string(splits.test.size()) + " test (" + splits.made + ")";
  a.remarks = std::move(splits.remarks);
  if (!labels.empty()) a.remarks.push_back(labels);
  return {};
}

// A model that cannot hold its answers to the program's output is named before anything is asked.
Status check_output(const Assembly& a, const Splits& splits) {
  for (const Dataset* rows : {&splits.train, &splits.val, &splits.test}) {
    if (rows->empty()) continue;
    const Result<Constraint> constraint = a.problem.program->constraint(rows->front().inputs);
    if (!constraint.ok()) return Status();  // of this row alone; told when it is asked
    const Status able = a.models.student->can_enforce(*constraint);
    return placed(a.task, "program", a.task.program,
                  able.ok() ? able : Status(able.code(), "program: output: " + able.message()));
  }
  return Status();
}

// The order in which examples are raced must not depend on the file: rows sorted by label would make a first block of
// one label.
void by_id(Dataset& rows) { std::ranges::sort(rows, {}, &Example::id); }

Json ids_of(const Dataset& rows) {
  Json ids = Json::array();
  for (const Example& row : rows) ids.push_back(row.id);
  return ids;
}

// Of every embedded model of the run.
Status set_encoding(std::array<ModelSpec, 3>& specs, const std::string& encoding) {
  bool any = false;
  for (ModelSpec& spec : specs) {
    if (!claims_embedded(spec.name)) continue;
    spec.settings["encoding"] = encoding;
    any = true;
  }
  if (any) return {};
  return invalid("--encoding " + encoding + " is for embedded models, and none of student (" + specs[0].name +
                 "), teacher and judge is one; leave it out");
}

}  // namespace

Result<ModelSet> make_models(Loop& loop, const std::array<ModelSpec, 3>& specs) {
  ModelSet set;
  std::array<Model*, 3> by_role{};
  std::vector<const ModelSpec*> made;
  const auto same = [](const ModelSpec& a, const ModelSpec& b) {
    return a.name == b.name && a.settings == b.settings && a.directory == b.directory && a.strict == b.strict;
  };
  for (std::size_t role = 0; role < specs.size(); ++role) {
    const auto known = std::ranges::find_if(made, [&](const ModelSpec* other) { return same(*other, specs[role]); });
    if (known == made.end()) {
      REDRAFT_TRY(std::unique_ptr<Model> model, make_model(loop, specs[role]));
      set.owned.push_back(std::move(model));
      made.push_back(&specs[role]);
      by_role[role] = set.owned.back().get();
    } else {
      by_role[role] = set.owned[static_cast<std::size_t>(known - made.begin())].get();
    }
  }
  set.models = Models{by_role[0], by_role[1], by_role[2]};
  return set;
}

Result<std::unique_ptr<Assembly>> assemble(Loop& loop, const Flags& flags) {
  auto assembly = std::make_unique<Assembly>();
  Assembly& a = *assembly;
  REDRAFT_TRY(a.task, read_task(flags.task));
  REDRAFT_RETURN_IF_ERROR(apply_flags(a.task, flags));
  a.budget = merged(a.task.budget, flags.budget);
  a.seed = flags.seed.value_or(a.task.seed.value_or(0));
  a.strict = flags.strict;
  a.optimizer_name = a.task.optimizer.name;
  Result<std::unique_ptr<Optimizer>> optimizer = make_optimizer(a.optimizer_name, a.task.optimizer.settings);
  if (!optimizer.ok() && flags.optimizer) return optimizer.status();  // it is not the file that is wrong
  REDRAFT_RETURN_IF_ERROR(placed(a.task, "optimizer", a.task.optimizer, optimizer.status()));
  a.optimizer = std::move(*optimizer);

  REDRAFT_TRY(Splits splits, read_splits(a.task.data, a.task.directory));

  for (const Role role : {Role::kStudent, Role::kTeacher, Role::kJudge}) {
    ModelSpec& spec = a.specs[static_cast<std::size_t>(role)];
    spec = a.task.model(role);
    spec.strict = flags.strict;
    spec.tell = flags.on_model;
  }
  if (flags.encoding) REDRAFT_RETURN_IF_ERROR(set_encoding(a.specs, *flags.encoding));
  REDRAFT_TRY(ModelSet set, make_models(loop, a.specs));
  a.owned = std::move(set.owned);
  a.models = set.models;

  const Surroundings around{a.task.data.inputs, a.task.data.labels, a.task.directory,
                            a.models.student->capabilities().choice_logprobs};
  Result<std::unique_ptr<Program>> program = make_program(a.task.program.name, a.task.program.settings, around);
  REDRAFT_RETURN_IF_ERROR(placed(a.task, "program", a.task.program, program.status()));
  a.problem.program = std::move(*program);
  REDRAFT_RETURN_IF_ERROR(check_output(a, splits));
  REDRAFT_RETURN_IF_ERROR(look_at_data(loop, around, splits, a));
  REDRAFT_TRY(a.problem.metric, metric_of(a.task, around));
  if (a.budget.cost > 0)
    for (const Model* m : {a.models.student, a.models.teacher, a.models.judge})
      if (!m->capabilities().free_of_charge && !m->price())
        return invalid("a budget of money needs a price: " + std::string(m->id()) +
                       " has none; give price_in and price_out in its [models] table");
  for (Dataset* rows : {&splits.train, &splits.val, &splits.test}) by_id(*rows);
  a.problem.train = std::move(splits.train);
  a.problem.val = std::move(splits.val);
  a.problem.test = SealedSplit(std::move(splits.test));
  return assembly;
}

std::vector<std::string> Assembly::tell_data(const Flags& flags) const {
  if (!flags.on_data) return remarks;
  flags.on_data(rows);
  for (const std::string& remark : remarks) flags.on_data(remark);
  return {};
}

bool Assembly::costs_money() const {
  return std::ranges::any_of(owned, [](const auto& model) { return !model->capabilities().free_of_charge; });
}

Json Assembly::models_json() const {
  return {{"student", models.student->id()}, {"teacher", models.teacher->id()}, {"judge", models.judge->id()}};
}

TaskIdentity Assembly::task_identity() const {
  // The ids of the test rows are the content's digests: they say whether a row changed, not what it says.
  return TaskIdentity{
      task.name, problem.program->description(), problem.metric->description(),
      Json{{"train", ids_of(problem.train)}, {"val", ids_of(problem.val)}, {"test", problem.test.ids()}}};
}

StudyIdentity Assembly::study_identity() const {
  const Json walls = {{"calls", budget.calls}, {"tokens", budget.tokens},   {"attempts", budget.attempts},
                      {"cost", budget.cost},   {"seconds", budget.seconds}, {"rounds", budget.rounds}};
  Request asked;
  asked.temperature = problem.program->description()["settings"].value("temperature", 0.0);
  const bool drawn = models.student->temperature(asked) > 0 || models.judge->temperature(Request{}) > 0;
  return StudyIdentity{Json{{"optimizer", optimizer_name},
                            {"settings", task.optimizer.settings},
                            {"models", models_json()},
                            {"budget", walls},
                            {"seed", seed},
                            {"strict", strict}},
                       std::string(models.student->id()) + " | " + std::string(models.judge->id()) +
                           (strict ? " | strict" : "") + (drawn ? " | seed " + std::to_string(seed) : ""),
                       kEngineVersion};
}

}  // namespace redraft
