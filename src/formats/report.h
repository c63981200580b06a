// A run as one HTML page: no script, no outside resource, readable on a telephone and on paper, so it can be mailed and
// still opens in ten years. Every text of the run is escaped; a content policy in the page forbids whatever might slip
// through. The structs say what the page shows; whoever knows the store fills them.
#ifndef REDRAFT_FORMATS_REPORT_H_
#define REDRAFT_FORMATS_REPORT_H_

#include "redraft/study.h"

namespace redraft {

struct RoundLine {
  int round = 0;
  Estimate best;  // on val, of the best candidate so far
  int trials = 0, refusals = 0;
  std::int64_t calls = 0;  // since the study began
  Note note;
};

struct TrialLine {
  int round = 0;          // below 0: the test split
  std::string candidate;  // number or id
  std::string why;
  Split split = Split::kVal;
  std::size_t n = 0;
  Estimate score;  // low and high equal to the mean: no interval is known
  bool dropped = false;
};

struct RefusalLine {
  int round = 0;
  Refusal refusal;
};

struct TextChange {
  std::string parameter, seed, best;
};

// An example that the best answers better than the seed, or worse.
struct Flip {
  std::string example, input, expected;
  std::string seed_output, best_output;
  double seed_score = 0, best_score = 0;
};

struct StudyPage {
  int number = 1;
  std::string optimizer, verdict, stop;  // verdict: one sentence, as in the artefact's reason
  std::uint64_t seed = 0;
  Json settings = Json::object(), models = Json::object();
  std::optional<Comparison> test;
  std::vector<TextChange> texts;  // every parameter; equal ones are named only
  std::vector<Flip> flips;
  std::vector<RoundLine> rounds;
  std::vector<TrialLine> trials;
  std::vector<RefusalLine> refusals;
  std::array<Spent, 3> spent;  // by role
  RunCounters run;
  std::vector<std::string> remarks;
};

struct RunPage {
  std::string task, file, created, redraft;
  std::vector<StudyPage> studies;
};

std::string p_value(double p);  // "0.0012", "< 0.0001"

// Tables are cut after 500 rows, with a line that says so.
std::string html_report(const RunPage& page);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_REPORT_H_
