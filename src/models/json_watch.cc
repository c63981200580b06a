// See json_watch.h.
#include "models/json_watch.h"

#include <algorithm>

#include "redraft/json.h"

namespace redraft {

bool JsonWatch::allows(std::string_view piece) const {
  if (piece.find_first_of("\"{[") == std::string_view::npos) return true;  // all else is the grammar's
  JsonWatch after = *this;
  return after.take(piece);
}

bool JsonWatch::take(std::string_view piece) {
  for (const char c : piece) {
    if (in_string_) {
      if (in_key_) key_ += c;
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        if (in_key_ && !take_key()) return false;
      }
      continue;
    }
    if (c == '"') {
      in_string_ = true;
      in_key_ = key_next_;
      key_.assign(1, '"');
    } else if (c == '{' || c == '[') {
      if (levels_.size() >= kDeepest) return false;
      levels_.push_back({c == '{', keys_.size()});
      key_next_ = c == '{';
    } else if ((c == '}' || c == ']') && !levels_.empty()) {
      keys_.resize(levels_.back().keys);
      levels_.pop_back();
      key_next_ = false;
    } else if (c == ',') {
      key_next_ = !levels_.empty() && levels_.back().object;
    } else if (c == ':') {
      key_next_ = false;
    }
  }
  return true;
}

bool JsonWatch::take_key() {
  const Result<Json> read = parse_json(key_);  // "\u0061" is the key "a"
  std::string key = read.ok() && read->is_string() ? read->get<std::string>() : key_;
  const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(levels_.empty() ? 0 : levels_.back().keys);
  if (std::find(first, keys_.end(), key) != keys_.end()) return false;
  keys_.push_back(std::move(key));
  return true;
}

}  // namespace redraft
