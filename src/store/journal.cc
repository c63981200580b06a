// Completions as columns, log-probabilities as bytes, so that every double comes back bit for bit.
#include "store/journal.h"

#include <bit>
#include <cstring>

namespace redraft {
namespace {

static_assert(std::endian::native == std::endian::little, "run files hold little-endian doubles");

std::string bytes_of(const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<double> doubles_of(const std::string& bytes) {
  std::vector<double> values(bytes.size() / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

}  // namespace

Result<Completion> SqlJournal::find(const std::string& digest) {
  REDRAFT_RETURN_IF_ERROR(database_.health());
  if (const auto at = waiting_.find(digest); at != waiting_.end()) return at->second.completion;
  bool found = false, sound = true;
  Completion c;
  REDRAFT_RETURN_IF_ERROR(database_.run(
      "SELECT text, finish, tokens_in, tokens_out, tokens_cached, seconds, choice_logprobs, tokens FROM calls "
      "WHERE digest = ?",
      {digest}, [&](const SqlRow& row) {
        found = true;
        const std::int64_t finish = row.integer(1);
        sound = finish >= 0 && finish <= static_cast<std::int64_t>(Finish::kFilter);
        c.text = row.text(0);
        if (sound) c.finish = static_cast<Finish>(finish);
        c.usage = {row.integer(2), row.integer(3), row.integer(4)};
        c.seconds = row.real(5);
        c.choice_logprobs = doubles_of(row.text(6));
        if (row.null(7)) return;
        const Result<Json> tokens = parse_json(row.text(7));
        sound = sound && tokens.ok();
        if (tokens.ok()) c.tokens = token_logprobs_from(*tokens);
      }));
  if (!found) return Status(Code::kNotFound, "no call has the digest " + digest);
  if (!sound) return Status(Code::kCorruption, path_ + " is damaged: the call " + digest + " cannot be read");
  return c;
}

Status SqlJournal::put(const std::string& digest, std::string_view model, const Completion& completion) {
  REDRAFT_RETURN_IF_ERROR(database_.health());
  Call call{0, completion};
  if (writes_) {
    REDRAFT_TRY(call.model, model_number(std::string(model)));
  }
  waiting_.try_emplace(digest, std::move(call));
  return {};
}

Status SqlJournal::commit() {
  REDRAFT_RETURN_IF_ERROR(database_.health());
  if (!writes_ || waiting_.empty()) return {};
  Status written = database_.transaction([&]() -> Status {
    for (const auto& [digest, call] : waiting_) REDRAFT_RETURN_IF_ERROR(write(digest, call));
    return {};
  });
  if (written.ok()) waiting_.clear();
  return written;
}

// Few models and many calls: the name is written once, the number is in each row.
Result<std::int64_t> SqlJournal::model_number(const std::string& model) {
  if (const auto at = models_.find(model); at != models_.end()) return at->second;
  std::int64_t id = 0;
  REDRAFT_RETURN_IF_ERROR(database_.run("INSERT INTO models (name) VALUES (?) ON CONFLICT (name) DO NOTHING", {model}));
  REDRAFT_RETURN_IF_ERROR(
      database_.run("SELECT id FROM models WHERE name = ?", {model}, [&](const SqlRow& row) { id = row.integer(0); }));
  models_.emplace(model, id);
  return id;
}

Status SqlJournal::write(const std::string& digest, const Call& call) {
  const Completion& c = call.completion;
  const std::string logprobs = bytes_of(c.choice_logprobs);
  const std::string tokens = c.tokens.empty() ? "" : to_text(token_logprobs_json(c.tokens));
  return database_.run(
      "INSERT INTO calls (digest, model, finish, tokens_in, tokens_out, tokens_cached, seconds, text, choice_logprobs, "
      "tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
      {digest, call.model, static_cast<int>(c.finish), c.usage.tokens_in, c.usage.tokens_out, c.usage.tokens_cached,
       c.seconds, c.text, SqlValue::blob(logprobs), c.tokens.empty() ? SqlValue(nullptr) : SqlValue(tokens)});
}

}  // namespace redraft
