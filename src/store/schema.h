// The tables of a run file and how a file gets from one version of them to the next. A version, once released, is
// never edited: a change is one more entry at the end of the list. Single-threaded.
#ifndef REDRAFT_STORE_SCHEMA_H_
#define REDRAFT_STORE_SCHEMA_H_

#include <span>

#include "base/sqlite.h"

namespace redraft {

// The n-th entry (from 0) brings a file from version n to n + 1.
std::span<const char* const> migrations();

// Whether it carries the mark of a run file, or nothing at all.
Result<bool> marked(Sqlite& database);

// Is this a redraft run file, or an empty one? kCorruption names what is wrong: damaged pages, a missing end, another
// program's file. kConflict for a file that a newer redraft made (it has more than `known` versions). Writes nothing.
Status vet(Sqlite& database, const std::string& path, int known);

// Brings a vetted file to the newest version, each step in a transaction of its own.
Status migrate(Sqlite& database, std::span<const char* const> steps);

}  // namespace redraft

#endif  // REDRAFT_STORE_SCHEMA_H_
