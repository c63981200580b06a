// A run file as people look at it: which study, its seed and its best, what changed between two candidates, and all of
// it as one page. What the file does not hold (the words of the rows) comes from the task's data, where that is at
// hand.
#ifndef REDRAFT_APP_PAGES_H_
#define REDRAFT_APP_PAGES_H_

#include "formats/report.h"
#include "store/inspect.h"

namespace redraft {

using RowsById = std::map<std::string, Example>;
// Of the task that a run file lies beside (tickets.redraft.db: tickets.toml); empty when it cannot be read.
RowsById rows_beside(const std::string& run_path);

struct StudyView {
  StudyInfo info;
  std::optional<Report> report;  // once finished
  std::vector<CandidateInfo> candidates;
  std::string seed, best;  // ids; best: so far; "" before there is one
  bool searched() const;   // false: only a look of `eval` at the test split
  std::string optimizer() const;
  std::string outcome() const;  // one sentence
  const CandidateInfo* candidate(int number) const;
  const CandidateInfo* candidate(const std::string& id) const;
};

Result<std::vector<StudyView>> views_of(Inspection& inspection);
// `number` 0: the newest that searched. kNotFound names what there is.
Result<StudyView> view_of(Inspection& inspection, int number);

// On test where both were scored there, else on val: the rows that differ.
struct Flips {
  Split split = Split::kVal;
  std::size_t rows = 0;  // scored by both
  std::vector<Flip> rows_that_differ;
};
Result<Flips> flips_between(Inspection& inspection, int study, const std::string& a, const std::string& b,
                            const RowsById& rows);

Result<RunPage> run_page(Inspection& inspection, const std::string& path, const RowsById& rows);

// A round's note, as far as it tells a person anything: by what it says, in words. The rest is bookkeeping.
Note note_in_words(const Note& note);

// A list of demonstrations as one line each; any other text as it is. Fit for a terminal.
std::string readable_text(const std::string& text);

}  // namespace redraft

#endif  // REDRAFT_APP_PAGES_H_
