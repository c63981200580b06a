// Scores of rows in the forms that other tools read: CSV (RFC 4180) and JUnit's XML.
#ifndef REDRAFT_CLI_SCORE_FILES_H_
#define REDRAFT_CLI_SCORE_FILES_H_

#include <string>
#include <vector>

#include "app/evaluation.h"

namespace redraft {

struct ScoredRow {  // into a TaskEvaluation, which must outlive it
  const Example* row = nullptr;
  const Outcome* outcome = nullptr;
};
std::vector<ScoredRow> scored_rows(const TaskEvaluation& evaluation);

// id, every input, every label, answer, score, feedback.
std::string csv_of(const std::vector<ScoredRow>& rows);
// A test case per row; it fails when the row scores below 0.5.
std::string junit_of(const std::string& task, const std::string& split, const std::vector<ScoredRow>& rows);

}  // namespace redraft

#endif  // REDRAFT_CLI_SCORE_FILES_H_
