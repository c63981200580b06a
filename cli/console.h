// How verbs talk: results to standard output, everything else to standard error, one sentence per failure, and an exit
// code that a script can rely on.
#ifndef REDRAFT_CLI_CONSOLE_H_
#define REDRAFT_CLI_CONSOLE_H_

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "redraft/status.h"
#include "redraft/store.h"
#include "redraft/study.h"

namespace redraft {

inline constexpr int kDone = 0, kGateNotMet = 1, kBadInput = 2, kInterrupted = 130;

int exit_code(Code code);
int fail(const Status& status);  // says why, and gives the exit code

// Closed standard streams become /dev/null: a file opened later must not take their place. A closed standard input
// still cannot be read. First of all in main().
void open_standard_streams();
void complain(std::string_view text);  // on standard error, as it is; where that cannot be written, nowhere
void say(std::string_view message);    // "redraft: ..." on standard error, on one line
void print(std::string_view text);     // on standard output
int finish_output(int code);           // flushes it; kBadInput, with a sentence, when it cannot be written

bool is_terminal(std::FILE* stream);
bool in_colour(std::FILE* stream);  // a terminal that can, and NO_COLOR is not set

// A table in plain columns, two spaces apart. Columns whose heading begins with '#' are aligned to the right.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

std::string decimal(double value);                               // "0.512"
std::string with_interval(const Estimate& e);                    // "0.512 [0.410, 0.613]"
std::string difference(const Estimate& e);                       // "+0.230 [+0.112, +0.341]"
std::string cost(const Spent& spent);                            // "1.2345", or "unknown"
Json spent_json(const Spent& spent);                             // cost null where it is unknown
std::string short_number(std::int64_t n);                        // "812", "83.2k", "1.5M"
std::string duration(double seconds);                            // "42 s", "3 min 20 s"
std::string one_line(std::string_view text, std::size_t bytes);  // line breaks as spaces, shortened

}  // namespace redraft

#endif  // REDRAFT_CLI_CONSOLE_H_
