// redraft on the command line: finds the verb, reads its flags, runs it. Nothing is loaded before that, so that
// `redraft --version` answers at once.
#include <CLI/CLI.hpp>

#include "cli/console.h"
#include "cli/verbs.h"
#include "redraft/settings.h"

namespace redraft {
namespace {

std::string see_help(const CLI::App& verb) {
  return "; `redraft " + (verb.get_parent() ? verb.get_name() + " " : std::string()) + "--help` shows what there is";
}

std::vector<std::string> flags_of(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App* v) { return !v->get_group().empty(); }))
    names.push_back(verb->get_name());
  return names;
}

// One sentence for whatever was typed wrong.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& verb = chosen.empty() ? app : *chosen.back();
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return error.what() + see_help(verb);
  const std::string word = left.front().substr(0, left.front().find('='));
  if (chosen.empty() && !word.starts_with('-')) {
    const std::string near = nearest(word, verbs_of(app));
    return "no verb is called \"" + word + "\"" + (near.empty() ? see_help(app) : "; did you mean \"" + near + "\"?");
  }
  if (!word.starts_with('-')) return "\"" + word + "\" is one argument too many" + see_help(verb);
  const std::string near = nearest(word, flags_of(verb));
  return "no flag of " + (chosen.empty() ? "redraft" : "`redraft " + verb.get_name() + "`") + " is called " + word +
         (near.empty() ? see_help(verb) : "; did you mean " + near + "?");
}

int run(int argc, char** argv) {
  CLI::App app("redraft improves the prompts of a program against examples and a metric.", "redraft");
  app.set_version_flag("--version", "redraft " REDRAFT_VERSION);
  app.footer("`redraft VERB --help` shows the flags of a verb, with an example.");
  app.require_subcommand(0, 1);
  Action chosen;
  for (const auto add : {add_optimize, add_eval, add_render, add_apply, add_show, add_diff, add_report, add_export,
                         add_list, add_describe, add_init, add_models, add_serve_model, add_serve})
    add(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    say(usage_message(app, error));
    return kBadInput;
  }
  if (!chosen) {
    complain(app.help());
    return kBadInput;
  }
  return chosen();
}

}  // namespace
}  // namespace redraft

int main(int argc, char** argv) {
  redraft::open_standard_streams();
  return redraft::finish_output(redraft::run(argc, argv));
}
