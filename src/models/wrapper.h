// A model in front of another: all questions about it go to the one behind; what is asked of it, and whether that is
// stopped, is for each kind of wrapper to say.
#ifndef REDRAFT_MODELS_WRAPPER_H_
#define REDRAFT_MODELS_WRAPPER_H_

#include "redraft/model.h"

namespace redraft {

class Wrapper : public Model {
 public:
  explicit Wrapper(Model& behind) : behind_(behind) {}  // which outlives this object

  std::string_view id() const override { return behind_.id(); }
  Capabilities capabilities() const override { return behind_.capabilities(); }
  Status can_enforce(const Constraint& constraint) override { return behind_.can_enforce(constraint); }
  int count(std::string_view text) const override { return behind_.count(text); }
  std::int64_t most_tokens_in(const Request& request) const override { return behind_.most_tokens_in(request); }
  double temperature(const Request& request) const override { return behind_.temperature(request); }
  std::optional<Price> price() const override { return behind_.price(); }
  Counters counters() const override { return behind_.counters(); }
  void embed(std::vector<std::string> texts, Embedded done) override {
    behind_.embed(std::move(texts), std::move(done));
  }

 protected:
  Model& behind_;
};

}  // namespace redraft

#endif  // REDRAFT_MODELS_WRAPPER_H_
