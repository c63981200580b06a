#include "models/script.h"

#include <algorithm>

#include "base/digest.h"
#include "base/file.h"
#include "models/price.h"

namespace redraft {
namespace {

constexpr double kMostLatency = 86400;  // seconds

using Names = std::vector<std::string>;

// Reads the file; every failure names the file and the place in it.
class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  Result<Script> read(const Json& json, const std::string& bytes) const {
    REDRAFT_RETURN_IF_ERROR(keys(
        json, "", {"id", "rules", "default", "latency_s", "price_in", "price_out", "price_cached", "capabilities"}));
    Script script;
    script.id = "scripted:" + digest(bytes);
    if (const auto id = json.find("id"); id != json.end()) {
      if (!id->is_string()) return wrong("id", "a text", *id);
      script.id = "scripted:" + id->get<std::string>();
    }
    if (const auto rules = json.find("rules"); rules != json.end()) {
      if (!rules->is_array()) return wrong("rules", "a list of rules", *rules);
      for (std::size_t i = 0; i < rules->size(); ++i) {
        REDRAFT_TRY(Rule rule, read_rule((*rules)[i], "rules[" + std::to_string(i) + "]"));
        script.rules.push_back(std::move(rule));
      }
    }
    if (const auto otherwise = json.find("default"); otherwise != json.end()) {
      REDRAFT_RETURN_IF_ERROR(keys(*otherwise, "default", {"answer", "finish", "fail", "message"}));
      REDRAFT_TRY(script.otherwise, read_reply(*otherwise, "default"));
    }
    REDRAFT_RETURN_IF_ERROR(read_rest(json, script));
    return script;
  }

 private:
  Status wrong(const std::string& where, const std::string& what, const Json& value) const {
    return invalid(file_ + ": " + where + " is not " + what + ": " + to_text(value).substr(0, 80));
  }

  Status keys(const Json& object, const std::string& where, const Names& known) const {
    if (!object.is_object()) return wrong(where.empty() ? "the script" : where, "an object", object);
    for (const auto& [key, value] : object.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      const std::string near = nearest(key, known);
      return invalid(file_ + ": " + (where.empty() ? "" : where + ": ") + "no key is called \"" + key + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
    return {};
  }

  // The place in `names` of object[key], or `otherwise`.
  Result<std::size_t> one_of(const Json& object, const std::string& key, const std::string& where, const Names& names,
                             std::size_t otherwise) const {
    const auto value = object.find(key);
    if (value == object.end()) return otherwise;
    const auto found = std::ranges::find(names, plain(*value));
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " | ") + name;
    if (found == names.end()) return wrong(where + "." + key, "one of " + list, *value);
    return static_cast<std::size_t>(found - names.begin());
  }

  Result<Names> texts(const Json& object, const std::string& key, const std::string& where) const {
    Names list;
    const auto value = object.find(key);
    if (value == object.end()) return list;
    for (const Json& entry : value->is_array() ? *value : Json::array({*value})) {
      if (!entry.is_string()) return wrong(where + "." + key, "a text or a list of texts", *value);
      list.push_back(entry.get<std::string>());
    }
    return list;
  }

  Result<Rule> read_rule(const Json& json, const std::string& where) const {
    REDRAFT_RETURN_IF_ERROR(keys(json, where, {"when", "answer", "finish", "fail", "message"}));
    Rule rule;
    if (const auto when = json.find("when"); when != json.end()) {
      const std::string place = where + ".when";
      REDRAFT_RETURN_IF_ERROR(keys(*when, place, {"contains", "lacks", "role", "constraint"}));
      REDRAFT_TRY(rule.contains, texts(*when, "contains", place));
      REDRAFT_TRY(rule.lacks, texts(*when, "lacks", place));
      const Names roles = {"", "system", "user", "assistant", "tool", "last"};
      REDRAFT_TRY(const std::size_t role, one_of(*when, "role", place, roles, 0));
      rule.role = roles[role];
      const Names kinds = {"none", "choices", "json_schema", "grammar"};
      REDRAFT_TRY(const std::size_t kind, one_of(*when, "constraint", place, kinds, kinds.size()));
      if (kind < kinds.size()) rule.constraint = static_cast<Constraint::Kind>(kind);
    }
    REDRAFT_TRY(rule.reply, read_reply(json, where));
    return rule;
  }

  Result<Reply> read_reply(const Json& json, const std::string& where) const {
    Reply reply;
    REDRAFT_TRY(const std::size_t finish, one_of(json, "finish", where, {"stop", "length", "filter"}, 0));
    reply.finish = static_cast<Finish>(finish);
    constexpr Code kCodes[] = {Code::kUnavailable, Code::kRateLimited, Code::kRefused, Code::kInvalidArgument};
    REDRAFT_TRY(const std::size_t fail,
                one_of(json, "fail", where, {"unavailable", "rate_limited", "refused", "invalid"}, 4));
    if (fail < 4) {
      const auto message = json.find("message");
      reply.fail = Status(kCodes[fail], message == json.end() ? "the script says so" : plain(*message));
      return reply;
    }
    const auto answer = json.find("answer");
    if (answer == json.end()) return invalid(file_ + ": " + where + " has neither \"answer\" nor \"fail\"");
    if (answer->is_object() && answer->contains("choose")) {
      REDRAFT_RETURN_IF_ERROR(read_weights((*answer)["choose"], where + ".answer.choose", reply.weights));
      return reply;
    }
    for (const Json& entry : answer->is_array() ? *answer : Json::array({*answer})) {
      if (entry.is_string()) reply.texts.push_back(entry.get<std::string>());
      else if (entry.is_object() && entry.size() == 1 && entry.contains("json"))
        reply.texts.push_back(to_text(entry["json"]));
      else
        return wrong(where + ".answer", "a text, {\"json\": value}, {\"choose\": weights} or a list of the first two",
                     entry);
    }
    if (reply.texts.empty()) return wrong(where + ".answer", "a list with an entry", *answer);
    return reply;
  }

  Status read_weights(const Json& json, const std::string& where, std::map<std::string, double>& weights) const {
    if (!json.is_object() || json.empty()) return wrong(where, "an object of texts and their weights", json);
    for (const auto& [text, weight] : json.items()) {
      if (!weight.is_number() || !(weight.get<double>() > 0))
        return wrong(where + "." + text, "a weight above 0", weight);
      weights[text] = weight.get<double>();
    }
    return {};
  }

  Status read_rest(const Json& json, Script& script) const {
    PriceOptions prices;
    OptionList options;
    prices.add_to(options);
    Json given = Json::object();
    for (const Option& option : options)
      if (const auto price = json.find(option.name); price != json.end()) given[option.name] = *price;
    REDRAFT_RETURN_IF_ERROR(read_options(options, given, file_));
    REDRAFT_TRY(script.price, price_of(prices, given, file_));
    if (const auto latency = json.find("latency_s"); latency != json.end()) {
      const Json range = latency->is_array() ? *latency : Json::array({*latency, *latency});
      if (range.size() != 2 || !range[0].is_number() || !range[1].is_number() || range[0].get<double>() < 0 ||
          range[1] < range[0] || range[1].get<double>() > kMostLatency)
        return wrong("latency_s", "a number of seconds up to 86400, or two with the smaller first", *latency);
      script.least_latency = range[0].get<double>(), script.most_latency = range[1].get<double>();
    }
    Capabilities& can = script.capabilities;
    can.choice_logprobs = can.json_schema = can.grammar = true;
    const auto capabilities = json.find("capabilities");
    if (capabilities == json.end()) return {};
    REDRAFT_RETURN_IF_ERROR(read_options({{"choice_logprobs", can.choice_logprobs, "log-probabilities of choices"},
                                          {"json_schema", can.json_schema, "constraints by schema"},
                                          {"grammar", can.grammar, "constraints by grammar"},
                                          {"context_tokens", can.context_tokens, 0, 1 << 30, "0 = unknown"}},
                                         *capabilities, file_ + ": capabilities"));
    return {};
  }

  std::string file_;
};

bool says(const Rule& rule, const Request& request, const std::string& text) {
  for (const Message& message : request.messages) {
    if (rule.role == "last" ? &message != &request.messages.back() : !rule.role.empty() && rule.role != message.role)
      continue;
    for (const Part& part : message.parts)
      if (part.text.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

bool Rule::fits(const Request& request) const {
  if (constraint && *constraint != request.constraint.kind) return false;
  return std::ranges::all_of(contains, [&](const std::string& text) { return says(*this, request, text); }) &&
         std::ranges::none_of(lacks, [&](const std::string& text) { return says(*this, request, text); });
}

Result<Script> read_script(const std::string& file) {
  REDRAFT_TRY(const std::string bytes, read_file(file));
  const Result<Json> json = parse_json(bytes);
  if (!json.ok()) return invalid(file + ": " + json.status().message());
  return Reader(file).read(*json, bytes);
}

}  // namespace redraft
