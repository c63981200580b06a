// What `redraft init` writes.
#ifndef REDRAFT_CLI_STARTER_H_
#define REDRAFT_CLI_STARTER_H_

#include <string_view>
#include <vector>

namespace redraft {

struct StarterFile {
  std::string_view name, text;
};
const std::vector<StarterFile>& starter_files();

}  // namespace redraft

#endif  // REDRAFT_CLI_STARTER_H_
