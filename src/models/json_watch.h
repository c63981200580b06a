// Two rules of JSON answers that no grammar can count, watched while the text is written: no object has a key twice,
// and nothing nests deeper than a reader of JSON follows.
#ifndef REDRAFT_MODELS_JSON_WATCH_H_
#define REDRAFT_MODELS_JSON_WATCH_H_

#include <string>
#include <string_view>
#include <vector>

namespace redraft {

class JsonWatch {
 public:
  static constexpr std::size_t kDeepest = 200;

  // Whether both rules hold when `piece` comes next. What was taken so far is the start of a JSON text.
  bool allows(std::string_view piece) const;
  bool take(std::string_view piece);  // false: a rule is broken

 private:
  struct Level {
    bool object = false;
    std::size_t keys = 0;  // how many there were outside of it
  };
  bool take_key();

  std::vector<Level> levels_;
  std::vector<std::string> keys_;  // of all open objects
  std::string key_;                // as it is written
  bool in_string_ = false, in_key_ = false, escaped_ = false, key_next_ = false;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_JSON_WATCH_H_
