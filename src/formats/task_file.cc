#include "formats/task_file.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/utf8.h"

namespace redraft {
namespace {

const std::vector<std::string> kTopKeys = {"name",   "seed",      "data",   "program",
                                           "metric", "optimizer", "models", "budget"};
const std::vector<std::string> kTypes = {"text", "int", "float", "bool", "list"};

// The settings of a table: everything but the keys that were read here.
Json rest_of(const Json& table, std::initializer_list<const char*> taken) {
  Json rest = table;
  for (const char* key : taken) rest.erase(key);
  return rest;
}

Status check_longer_programs(const TableView& top) {
  for (const char* key : {"step", "machine"}) {
    if (!top.has(key)) continue;
    return top.fault(key, std::string(key) +
                              " describes a program of several steps, which this version cannot run; write one "
                              "step as [program]");
  }
  return {};
}

Status check_columns(const TableView& data, const char* key, const std::vector<std::string>& columns,
                     std::set<std::string>& seen) {
  for (const std::string& column : columns) {
    if (column.empty()) return data.fault(key, std::string(key) + " holds an empty name");
    if (!seen.insert(column).second) return data.fault(key, "the column \"" + column + "\" is named twice in [data]");
  }
  return {};
}

Status read_data(TaskFile& task) {
  const TableView data(task.document, "data");
  DataSpec& spec = task.data;
  if (!data.has("inputs")) return data.fault("inputs", "[data] must name its inputs, as in inputs = [\"text\"]");
  REDRAFT_RETURN_IF_ERROR(data.only({"file", "train", "val", "test", "inputs", "labels"}, "[data]"));
  REDRAFT_RETURN_IF_ERROR(data.read("file", spec.file));
  REDRAFT_RETURN_IF_ERROR(data.read("train", spec.train));
  REDRAFT_RETURN_IF_ERROR(data.read("val", spec.val));
  REDRAFT_RETURN_IF_ERROR(data.read("test", spec.test));
  REDRAFT_RETURN_IF_ERROR(data.read("inputs", spec.inputs));
  REDRAFT_RETURN_IF_ERROR(data.read("labels", spec.labels));
  const bool several = !spec.train.empty() || !spec.val.empty() || !spec.test.empty();
  if (!spec.file.empty() && several)
    return data.fault("file", "give one file for all splits, or train, val and test, not both");
  if (spec.file.empty() && (spec.train.empty() || spec.val.empty()))
    return data.fault(several ? (spec.train.empty() ? "train" : "val") : "file",
                      "[data] must name a file, or a train file and a val file");
  if (spec.inputs.empty()) return data.fault("inputs", "inputs must name at least one column");
  std::set<std::string> seen;
  REDRAFT_RETURN_IF_ERROR(check_columns(data, "inputs", spec.inputs, seen));
  return check_columns(data, "labels", spec.labels, seen);
}

// The type of one output. Programs judge the rest; what is needed here is the name of a column to keep.
Status read_output(const TableView& where, const std::string& key, DataSpec& data) {
  const Json& type = *where.at(key);
  if (const auto* name = type.get_ptr<const std::string*>()) {
    if (name->ends_with(".json") || std::find(kTypes.begin(), kTypes.end(), *name) != kTypes.end()) return {};
    const std::string near = nearest(*name, kTypes);
    return where.fault(
        key, "no type of output is called \"" + *name + "\"" +
                 (near.empty() ? "; write text, int, float, bool, list, a list of choices, or a .json schema file"
                               : "; did you mean \"" + near + "\"?"));
  }
  const auto from = type.find("choices_from");
  if (!type.is_object() || from == type.end() || !from->is_string()) return {};
  const std::string column = from->get<std::string>();
  for (const auto* columns : {&data.inputs, &data.extra})
    if (std::find(columns->begin(), columns->end(), column) != columns->end()) return {};
  data.extra.push_back(column);
  return {};
}

Status read_program(TaskFile& task) {
  const TableView program(task.document, "program");
  REDRAFT_RETURN_IF_ERROR(program.is_table());
  const Json* table = task.document.find("program");
  if (!table) return program.fault("", "there is no [program]; write instruction = \"...\" under it");
  task.program.name = "predict";
  REDRAFT_RETURN_IF_ERROR(program.read("op", task.program.name));
  task.program.settings = rest_of(*table, {"op"});
  const Json* output = program.at("output");
  if (!output) return {};
  const TableView outputs(task.document, "program.output");
  const bool bare = !output->is_object() ||
                    (output->size() == 1 && outputs.has("choices_from") && outputs.at("choices_from")->is_string() &&
                     task.data.labels.size() <= 1 && task.data.labels != std::vector<std::string>{"choices_from"});
  if (bare) return read_output(program, "output", task.data);
  for (const auto& [label, type] : output->items()) REDRAFT_RETURN_IF_ERROR(read_output(outputs, label, task.data));
  return {};
}

Status read_metric(TaskFile& task, const std::string& path) {
  const TableView view(task.document, path);
  REDRAFT_RETURN_IF_ERROR(view.is_table());
  MetricUse use;
  REDRAFT_RETURN_IF_ERROR(view.read("name", use.name));
  REDRAFT_RETURN_IF_ERROR(view.read("weight", use.weight));
  REDRAFT_RETURN_IF_ERROR(view.read("must_pass", use.must_pass));
  if (use.name.empty()) return view.fault("name", "a metric needs a name, as in name = \"exact_match\"");
  if (!(use.weight > 0)) return view.fault("weight", "weight must be above 0; leave the metric out instead");
  use.settings = rest_of(*task.document.find(path), {"name", "weight", "must_pass"});
  task.metrics.push_back(std::move(use));
  return {};
}

Status read_metrics(TaskFile& task) {
  const Json* metric = task.document.find("metric");
  if (!metric || (metric->is_array() && metric->empty()))
    return TableView(task.document, "").fault("metric", "there is no [metric]; write name = \"exact_match\" under it");
  if (!metric->is_array()) return read_metric(task, "metric");
  for (std::size_t i = 0; i < metric->size(); ++i)
    REDRAFT_RETURN_IF_ERROR(read_metric(task, "metric." + std::to_string(i)));
  return {};
}

Status read_optimizer(TaskFile& task) {
  const TableView optimizer(task.document, "optimizer");
  REDRAFT_RETURN_IF_ERROR(optimizer.is_table());
  REDRAFT_RETURN_IF_ERROR(optimizer.read("name", task.optimizer.name));
  if (const Json* table = task.document.find("optimizer")) task.optimizer.settings = rest_of(*table, {"name"});
  return {};
}

Status read_model(const TaskFile& task, const char* role, std::optional<ModelSpec>& target) {
  const TableView models(task.document, "models");
  const Json* value = models.at(role);
  if (!value) return {};
  ModelSpec spec{{}, Json::object(), task.directory, false};
  if (!value->is_object()) {
    REDRAFT_RETURN_IF_ERROR(models.read(role, spec.name));
    if (spec.name.empty()) return models.fault(role, std::string(role) + " names no model");
    target = std::move(spec);
    return {};
  }
  const TableView table(task.document, models.path_of(role));
  std::string url, name, model;
  REDRAFT_RETURN_IF_ERROR(table.read("url", url));
  REDRAFT_RETURN_IF_ERROR(table.read("name", name));
  REDRAFT_RETURN_IF_ERROR(table.read("model", model));
  const bool complete = url.find('#') != std::string::npos;
  if (!model.empty() && !(url.empty() && name.empty()))
    return table.fault("model", "give model, or url and name, not both");
  if (complete && !name.empty()) return table.fault("name", "the url names a model already, behind its #");
  if (!url.empty() && !complete && name.empty())
    return table.fault("url", "the url needs the name of a model beside it, as in name = \"...\"");
  spec.name = !model.empty() ? model : url.empty() ? name : complete ? url : url + '#' + name;
  if (spec.name.empty())
    return table.fault("", std::string(role) + " names no model; write model = \"embedded\", or url and name");
  spec.settings = rest_of(*value, {"url", "name", "model"});
  target = std::move(spec);
  return {};
}

Status read_models(TaskFile& task) {
  const TableView models(task.document, "models");
  REDRAFT_RETURN_IF_ERROR(models.is_table());
  REDRAFT_RETURN_IF_ERROR(models.only({"student", "teacher", "judge"}, "[models]"));
  REDRAFT_RETURN_IF_ERROR(read_model(task, "student", task.student));
  REDRAFT_RETURN_IF_ERROR(read_model(task, "teacher", task.teacher));
  return read_model(task, "judge", task.judge);
}

Status read_budget(TaskFile& task) {
  const TableView budget(task.document, "budget");
  REDRAFT_RETURN_IF_ERROR(budget.is_table());
  REDRAFT_RETURN_IF_ERROR(budget.only({"calls", "attempts", "tokens", "cost", "seconds", "rounds"}, "[budget]"));
  std::int64_t rounds = 0;
  REDRAFT_RETURN_IF_ERROR(budget.read("calls", task.budget.calls));
  REDRAFT_RETURN_IF_ERROR(budget.read("attempts", task.budget.attempts));
  REDRAFT_RETURN_IF_ERROR(budget.read("tokens", task.budget.tokens));
  REDRAFT_RETURN_IF_ERROR(budget.read("cost", task.budget.cost));
  REDRAFT_RETURN_IF_ERROR(budget.read("seconds", task.budget.seconds));
  REDRAFT_RETURN_IF_ERROR(budget.read("rounds", rounds));
  for (const char* key : {"calls", "attempts", "tokens", "cost", "seconds", "rounds"}) {
    const Json* value = budget.at(key);
    if (value && !(value->get<double>() > 0))
      return budget.fault(key, std::string(key) + " must be above 0; leave it out for no limit");
  }
  if (rounds > 1'000'000'000)
    return budget.fault("rounds", "rounds must be at most 1000000000; leave it out for no limit");
  task.budget.rounds = static_cast<int>(rounds);
  return {};
}

// Every member of the task, from its document.
Status interpret(TaskFile& task) {
  const TableView top(task.document, "");
  REDRAFT_RETURN_IF_ERROR(check_longer_programs(top));
  REDRAFT_RETURN_IF_ERROR(top.only(kTopKeys, "a task file"));
  task.name = std::filesystem::path(task.path).stem().string();
  REDRAFT_RETURN_IF_ERROR(top.read("name", task.name));
  if (task.name.empty()) return top.fault("name", "name is empty");
  if (printable(task.name) != task.name)
    return top.fault("name", "name holds a line break, a tab or another control character; write it on one line");
  std::int64_t seed = 0;
  REDRAFT_RETURN_IF_ERROR(top.read("seed", seed));
  if (seed < 0) return top.fault("seed", "seed must be 0 or above");
  if (top.has("seed")) task.seed = static_cast<std::uint64_t>(seed);
  REDRAFT_RETURN_IF_ERROR(TableView(task.document, "data").is_table());
  REDRAFT_RETURN_IF_ERROR(read_data(task));
  REDRAFT_RETURN_IF_ERROR(read_program(task));
  REDRAFT_RETURN_IF_ERROR(read_metrics(task));
  REDRAFT_RETURN_IF_ERROR(read_optimizer(task));
  REDRAFT_RETURN_IF_ERROR(read_models(task));
  return read_budget(task);
}

Result<TaskFile> from_document(Document document, const std::string& path) {
  TaskFile task;
  task.path = path;
  task.directory = std::filesystem::path(path).parent_path().string();
  if (task.directory.empty()) task.directory = ".";
  task.document = std::move(document);
  REDRAFT_RETURN_IF_ERROR(interpret(task));
  return task;
}

}  // namespace

ModelSpec TaskFile::model(Role role) const {
  if (role == Role::kJudge && judge) return *judge;
  if (role != Role::kStudent && teacher) return *teacher;
  return student ? *student : ModelSpec{"embedded", Json::object(), directory, false};
}

Result<TaskFile> parse_task(std::string_view text, const std::string& path) {
  REDRAFT_TRY(Document document, Document::parse(text, path));
  return from_document(std::move(document), path);
}

Result<TaskFile> read_task(const std::string& path) {
  REDRAFT_TRY(const std::string text, read_file(path));
  return parse_task(text, path);
}

Status apply_overrides(TaskFile& task, const std::vector<std::string>& assignments) {
  Document document = task.document;
  for (const std::string& assignment : assignments) {
    const std::string origin = "--set " + shortened(assignment, 200);
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      return invalid(origin + ": write KEY=VALUE, as in optimizer.width=8");
    const std::string key = assignment.substr(0, equals), text = assignment.substr(equals + 1);
    const Result<Json> json = parse_json(text);
    // A model given as a text becomes a table when one of its keys is set.
    for (const char* role : {"models.student", "models.teacher", "models.judge"}) {
      const Json* model = document.find(role);
      if (!key.starts_with(role + std::string(".")) || !model || !model->is_string()) continue;
      REDRAFT_RETURN_IF_ERROR(document.set(role, Json{{"model", *model}}, document.value_place(role)));
    }
    REDRAFT_RETURN_IF_ERROR(document.set(key, json.ok() ? *json : Json(text), origin));
  }
  REDRAFT_TRY(task, from_document(std::move(document), task.path));
  return {};
}

}  // namespace redraft
