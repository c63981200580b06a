// From data files to the three splits. Rows go by their content, never by their position: adding rows to a file moves
// none of the others, and equal rows can only land together. What makes scores lie (a row in two splits, one input with
// two labels, rows that are nearly equal) is found here and said in remarks. Thread-safe; reads the files that are
// named and nothing else.
#ifndef REDRAFT_FORMATS_DATASET_H_
#define REDRAFT_FORMATS_DATASET_H_

#include "redraft/example.h"
#include "redraft/registry.h"

namespace redraft {

struct DataSpec {
  std::string file;                         // one file for all three splits; or
  std::string train, val, test;             // one for each; test may be left out
  std::vector<std::string> inputs, labels;  // columns; labels may be empty
  std::vector<std::string> extra;           // columns that a program reads but does not show (choices_from)
};

struct Splits {
  Dataset train, val, test;
  std::vector<std::string> remarks;           // one sentence each, with file and line
  std::string made;                           // how they came about: "split by content from tickets.jsonl"
  std::map<std::string, std::string> places;  // id of a row: file:line of the first like it
};

// The split of a row when one file holds all: 40 % train, 30 % val, 30 % test, by a digest of the inputs. Labels are
// left out of it, so a corrected label moves no row, and one input with two labels cannot stand on both sides of a
// split.
Split split_of(const Fields& inputs);

// The rows of one file, by the format that its extension names. Errors name file, line and column.
Result<std::vector<Row>> read_rows(const std::string& path);

// Picks the columns of each row: inputs and extra become Example::inputs. kInvalidArgument names file, line, the column
// that is missing and the nearest one there is. For rows to be answered rather than scored, leave spec.labels empty.
Result<Dataset> to_examples(const std::vector<Row>& rows, const DataSpec& spec, const std::string& file);

// Reads and splits; relative paths start at `directory`. Equal rows inside one split are taken once, since a second
// copy would count the same answer twice. kInvalidArgument when a split is empty.
Result<Splits> read_splits(const DataSpec& spec, const std::string& directory);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_DATASET_H_
