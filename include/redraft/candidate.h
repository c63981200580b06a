// The optimization variable: named texts. Everything that may be rewritten (an instruction, a set of
// demonstrations, a tool description, a role, a routing rule, even a temperature) is one entry.
#ifndef REDRAFT_CANDIDATE_H_
#define REDRAFT_CANDIDATE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace redraft {

using Candidate = std::map<std::string, std::string>;  // parameter name -> text

struct Range {
  double min = 0, max = 1;
  bool log = false, integer = false;
};

// What kind of thing a text is: it decides which moves make sense.
enum class ParameterKind { kText, kDemonstrations, kCategorical, kNumeric };

// What a Program says about one of its texts. `role` is read by critics and proposers, so it matters.
struct Parameter {
  std::string name;  // "predict.instruction": step, dot, what it is
  std::string role;  // "instruction to a model that answers with team"
  std::string seed;  // the text an optimizer starts from
  ParameterKind kind = ParameterKind::kText;
  std::vector<std::string> choices;       // kCategorical: the text must be one of these
  std::optional<Range> range;             // kNumeric: the text is a number in here
  int max_demonstrations = 0;             // kDemonstrations: the text is a JSON list of at most so many
  int max_tokens = 0;                     // kText: as the student counts them; 0 = no cap
  std::vector<std::string> placeholders;  // kText: spans such as {{text}} that it must contain, and no others
  bool frozen = false;                    // the user keeps it: no optimizer may change it

  bool admits(const std::string& text) const;  // a choice, a number in range, a list short enough; a text: always
  std::string draw(double u) const;            // maps u in [0, 1) to a choice or a number; for these two kinds only
};

Candidate seed_of(const std::vector<Parameter>& parameters);
std::string candidate_id(const Candidate& candidate);  // 16 hexadecimal digits of its digest

}  // namespace redraft

#endif  // REDRAFT_CANDIDATE_H_
