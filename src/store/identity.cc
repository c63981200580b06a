// The comparison of two tasks, told so that a user sees which line of a file was changed.
#include "store/identity.h"

#include <array>
#include <map>
#include <vector>

#include "base/digest.h"
#include "base/utf8.h"

namespace redraft {
namespace {

constexpr std::size_t kShownValue = 60, kShownPaths = 4, kShownIds = 3;
constexpr std::array<const char*, 3> kSplits = {"train", "val", "test"};

void append(std::string& text, const std::string& more, const char* between) {
  if (!text.empty()) text += between;
  text += more;
}

// The first few, and how many more there are.
std::string few(const std::vector<std::string>& items, std::size_t shown, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, items.size()); ++i) append(text, items[i], between);
  if (items.size() > shown) text += " and " + std::to_string(items.size() - shown) + " more";
  return text;
}

std::string told(const Json* value) { return value ? shortened(to_text(*value), kShownValue) : "absent"; }

const Json* member(const Json& object, const std::string& key) {
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

void changes(const std::string& path, const Json* then, const Json* now, std::vector<std::string>& out) {
  if (then && now && then->is_object() && now->is_object()) {
    for (const auto& [key, value] : then->items()) changes(path + "." + key, &value, member(*now, key), out);
    for (const auto& [key, value] : now->items())
      if (!then->contains(key)) changes(path + "." + key, nullptr, &value, out);
  } else if (then && now && then->is_array() && now->is_array() && then->size() == now->size()) {
    for (std::size_t i = 0; i < then->size(); ++i)
      changes(path + "[" + std::to_string(i) + "]", &(*then)[i], &(*now)[i], out);
  } else if (!then || !now || *then != *now) {
    out.push_back(path + " was " + told(then) + ", now " + told(now));
  }
}

std::string changed_values(const std::string& path, const Json& then, const Json& now) {
  std::vector<std::string> all;
  changes(path, &then, &now, all);
  return few(all, kShownPaths, "; ");
}

const Json& rows_of(const Json& data, const char* split) {
  static const Json none = Json::array();
  const Json* rows = data.is_object() ? member(data, split) : nullptr;
  return rows && rows->is_array() ? *rows : none;
}

// For each row, how often it stands in each split.
std::map<std::string, std::array<int, 3>> counted(const Json& data) {
  std::map<std::string, std::array<int, 3>> count;
  for (std::size_t s = 0; s < kSplits.size(); ++s)
    for (const Json& id : rows_of(data, kSplits[s])) ++count[plain(id)][s];
  return count;
}

std::string splits_of(const std::array<int, 3>& count) {
  std::string text;
  for (std::size_t s = 0; s < kSplits.size(); ++s)
    if (count[s] > 0) append(text, kSplits[s], "+");
  return text;
}

std::string first_move(const Json& then, const Json& now) {
  for (const char* split : kSplits) {
    const Json& a = rows_of(then, split);
    const Json& b = rows_of(now, split);
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      if (a[i] != b[i]) {
        return "the rows stand in another order, first at row " + std::to_string(i + 1) + " of " + split + ": was " +
               plain(a[i]) + ", now " + plain(b[i]);
      }
  }
  return {};
}

std::string changed_rows(const Json& then, const Json& now) {
  const auto before = counted(then), after = counted(now);
  std::vector<std::string> gone, fresh, moved, repeated;
  for (const auto& [id, count] : before) {
    const auto at = after.find(id);
    if (at == after.end()) gone.push_back(id);
    else if (splits_of(at->second) != splits_of(count))
      moved.push_back(id + " " + splits_of(count) + " -> " + splits_of(at->second));
    else if (at->second != count) repeated.push_back(id);
  }
  for (const auto& [id, count] : after)
    if (!before.contains(id)) fresh.push_back(id);

  std::string text;
  const auto tell = [&](const std::vector<std::string>& ids, const char* what) {
    if (ids.empty()) return;
    append(text,
           std::to_string(ids.size()) + (ids.size() == 1 ? " row " : " rows ") + what + " (" +
               few(ids, kShownIds, ", ") + ")",
           ", ");
  };
  tell(gone, "gone");
  tell(fresh, "new");
  tell(moved, "moved between splits");
  tell(repeated, "repeated more or less often than before");
  return text.empty() ? first_move(then, now) : text;
}

// All but the rows.
Json rest_of(const Json& data) {
  Json rest = data;
  if (rest.is_object())
    for (const char* split : kSplits) rest.erase(split);
  return rest;
}

}  // namespace

Json to_json(const TaskIdentity& task) {
  return Json{{"name", task.name}, {"program", task.program}, {"metric", task.metric}, {"data", task.data}};
}

Result<TaskIdentity> task_from_json(const Json& stored) {
  if (!stored.is_object()) return Status(Code::kCorruption, "what it says about its task is not an object");
  TaskIdentity task;
  const auto take = [&](const char* key, Json& into) {
    if (const Json* value = member(stored, key)) into = *value;
  };
  Json name;
  take("name", name);
  if (name.is_string()) task.name = plain(name);
  take("program", task.program);
  take("metric", task.metric);
  take("data", task.data);
  return task;
}

std::string difference(const TaskIdentity& then, const TaskIdentity& now) {
  std::string text;
  const auto tell = [&](const char* part, const std::string& how) {
    if (!how.empty()) append(text, std::string("its ") + part + " differs: " + how, "; ");
  };
  tell("program", changed_values("program", then.program, now.program));
  tell("metric", changed_values("metric", then.metric, now.metric));
  std::string data = changed_rows(then.data, now.data);
  const std::string other = changed_values("data", rest_of(then.data), rest_of(now.data));
  if (!other.empty()) append(data, other, "; ");
  tell("data", data);
  return text;
}

std::string digest_of(const StudyIdentity& study) {
  return digest(to_text(Json::array({study.config, study.engine_version, study.cell_key})));
}

}  // namespace redraft
