// Flags that several verbs share, and readers of numbers that say what is allowed. Only for the files that declare
// flags.
#ifndef REDRAFT_CLI_FLAGS_H_
#define REDRAFT_CLI_FLAGS_H_

#include <CLI/CLI.hpp>

#include "app/run.h"
#include "cli/verbs.h"

namespace redraft {

// A verb with its own summary, an example for --help, and what to do with the flags in `state` when it is the chosen
// one.
template <class State>
CLI::App& add_verb(CLI::App& app, const std::string& name, const std::string& summary, const std::string& example,
                   std::shared_ptr<State> state, int (*act)(State&), Action& chosen) {
  CLI::App* verb = app.add_subcommand(name, summary);
  verb->footer("Example:\n  " + example);
  verb->callback([state, act, &chosen] {
    if (!chosen) chosen = [state, act] { return act(*state); };  // of nested verbs the innermost comes first
  });
  return *verb;
}

std::optional<double> number_of(const std::string& text);  // the whole text as a finite number

// Flags with a whole number of at least `least`, in the type that is worked with; or with a number above 0.
void add_count(CLI::App& verb, const std::string& flag, std::int64_t& target, std::int64_t least,
               const std::string& help);
void add_count(CLI::App& verb, const std::string& flag, int& target, int least, const std::string& help);
void add_amount(CLI::App& verb, const std::string& flag, double& target, const std::string& help);
void add_seed(CLI::App& verb, std::optional<std::uint64_t>& target);
void add_split(CLI::App& verb, std::function<void(Split)> take, const std::string& help);
void add_journal(CLI::App& verb, JournalMode& target);
// KEY=VALUE as settings of a model: the value is JSON where it can be read as such, else a text.
Status add_settings(Json& settings, const std::vector<std::string>& assignments);
void add_encoding(CLI::App& verb, std::optional<std::string>& target);

// --set, --student, --teacher, --judge, --strict, --encoding, --env-file, and TASK.toml itself. What models tell is
// said.
struct CommonFlags {
  std::string env_file;
};
void add_task(CLI::App& verb, Flags& flags, CommonFlags& common);

// KEY=VALUE lines into the environment of this process: comments, empty lines, `export ` and quotes as shells have
// them. What the file says replaces what was there. Before models are made.
Status read_environment(const std::string& path);

}  // namespace redraft

#endif  // REDRAFT_CLI_FLAGS_H_
