// One row per model call, under the digest of its request. What is put waits in memory, where find() sees it, until
// commit() writes all of it in one transaction: the engine commits once per turn of its loop, not once per call. The
// first completion under a digest stays. Belongs to the loop's thread.
#ifndef REDRAFT_STORE_JOURNAL_H_
#define REDRAFT_STORE_JOURNAL_H_

#include <memory>
#include <string>
#include <unordered_map>

#include "base/sqlite.h"
#include "redraft/store.h"

namespace redraft {

class SqlJournal final : public Journal {
 public:
  // `writes` = false: what is put stays in memory, and commit() has nothing to do.
  SqlJournal(Sqlite& database, std::string path, bool writes)
      : database_(database), path_(std::move(path)), writes_(writes) {}

  Result<Completion> find(const std::string& digest) override;
  Status put(const std::string& digest, std::string_view model, const Completion& completion) override;
  Status commit() override;

 private:
  struct Call {
    std::int64_t model = 0;
    Completion completion;
  };
  Result<std::int64_t> model_number(const std::string& model);
  Status write(const std::string& digest, const Call& call);

  Sqlite& database_;
  std::string path_;
  bool writes_;
  std::unordered_map<std::string, Call> waiting_;
  std::unordered_map<std::string, std::int64_t> models_;
};

}  // namespace redraft

#endif  // REDRAFT_STORE_JOURNAL_H_
