// The verbs. Each declares its flags and, if it is the one that was typed, leaves behind what is to be done; main.cc
// then does it. Declaring is cheap: no model, no file and no network is touched before a verb runs.
#ifndef REDRAFT_CLI_VERBS_H_
#define REDRAFT_CLI_VERBS_H_

#include <functional>

namespace CLI {
class App;
}

namespace redraft {

using Action = std::function<int()>;  // gives the exit code

void add_optimize(CLI::App& app, Action& chosen);
void add_eval(CLI::App& app, Action& chosen);
void add_render(CLI::App& app, Action& chosen);
void add_apply(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
void add_diff(CLI::App& app, Action& chosen);
void add_report(CLI::App& app, Action& chosen);
void add_export(CLI::App& app, Action& chosen);
void add_list(CLI::App& app, Action& chosen);
void add_describe(CLI::App& app, Action& chosen);
void add_init(CLI::App& app, Action& chosen);
void add_models(CLI::App& app, Action& chosen);
void add_serve_model(CLI::App& app, Action& chosen);
void add_serve(CLI::App& app, Action& chosen);  // hidden: says what to use instead

}  // namespace redraft

#endif  // REDRAFT_CLI_VERBS_H_
