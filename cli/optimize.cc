// `redraft optimize`: the main job, and its rehearsal.
#include <fmt/format.h>

#include "app/pages.h"
#include "base/text_diff.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

namespace redraft {
namespace {

struct OptimizeFlags {
  RunFlags run;
  CommonFlags common;
  std::string events;
  bool dry_run = false, json = false;
};

void print_comparison(const Report& r) {
  TextTable table({"split", "#rows", "seed", "best", "difference", "p", "fixed", "broken"});
  if (r.test) {
    const Comparison& c = *r.test;
    table.add({"test", std::to_string(c.n), with_interval(c.seed), with_interval(c.best), difference(c.difference),
               p_value(c.p) + " (" + c.test + ")", std::to_string(c.fixed), std::to_string(c.broken)});
  }
  table.add({"val", "", with_interval(r.val_seed), with_interval(r.val_best),
             fmt::format("{:+.3f}", r.val_best.mean - r.val_seed.mean), "", "", ""});
  print(table.text());
}

void print_changes(const Report& r) {
  for (const auto& [name, text] : r.best) {
    const auto seed = r.seed.find(name);
    const std::string before = seed == r.seed.end() ? "" : seed->second;
    if (before == text) continue;
    print("\n" + name + "\n" + diff_plain(readable_text(before), readable_text(text), in_colour(stdout)));
  }
}

std::string walls(const Budget& b) {
  std::string text;
  const auto wall = [&](const std::string& what) { text += (text.empty() ? " of at most " : ", ") + what; };
  if (b.calls > 0) wall(fmt::format("{} calls", b.calls));
  if (b.tokens > 0) wall(fmt::format("{} tokens", b.tokens));
  if (b.cost > 0) wall(fmt::format("cost {}", b.cost));
  if (b.seconds > 0) wall(duration(b.seconds));
  if (b.rounds > 0) wall(fmt::format("{} rounds", b.rounds));
  return text;
}

void print_result(const RunResult& result) {
  const Report& r = result.report;
  const Artefact& a = result.artefact;
  print(fmt::format("{}: {}, {} rounds, {} proposals scored, {} refused; stopped: {}\n\n", a.task, a.optimizer,
                    r.rounds, r.proposals, r.refusals, to_string(r.stop)));
  print_comparison(r);
  print(fmt::format("\nshipped: {} ({})\n", a.shipped, a.reason));
  if (r.test) print(fmt::format("looks at the test split, this one included: {}\n", r.test->looks));
  print(fmt::format("spent: {} calls, {} tokens in, {} out, cost {}{}\n", a.spent.calls, a.spent.tokens_in,
                    a.spent.tokens_out, cost(a.spent), walls(result.budget)));
  print(fmt::format("paid: {} calls, {} attempts, {} tokens computed, {}\n", r.run.calls_paid, r.run.attempts,
                    r.run.tokens_computed, duration(r.run.seconds)));
  print_changes(r);
}

std::string places(const RunResult& result) {
  std::string text = result.artefact_path.empty() ? "nothing was written" : "the artefact is " + result.artefact_path;
  if (!result.run_path.empty()) text += ", the run " + result.run_path;
  return text;
}

int rehearse_only(const OptimizeFlags& flags) {
  Loop loop;
  const Result<Rehearsal> rehearsed = rehearse(loop, flags.run);
  if (!rehearsed.ok()) return fail(rehearsed.status());
  const Rehearsal& r = *rehearsed;
  for (const std::string& remark : r.remarks) say(remark);
  if (flags.json) {
    Json json = spent_json(r.spent);
    json["least"] = spent_json(r.least);
    json["proposals"] = r.proposals;
    json["test_rows"] = r.test_rows;
    json["smallest_difference"] = r.smallest_difference ? Json(*r.smallest_difference) : Json();
    for (std::size_t role = 0; role < r.by_role.size(); ++role)
      json["by_role"][std::string(to_string(static_cast<Role>(role)))] = spent_json(r.by_role[role]);
    print(json.dump(2) + "\n");
    return kDone;
  }
  TextTable table({"estimate", "#calls", "#tokens in", "#tokens out", "#cost"});
  const auto row = [&](std::string_view name, const Spent& s) {
    table.add(
        {std::string(name), std::to_string(s.calls), short_number(s.tokens_in), short_number(s.tokens_out), cost(s)});
  };
  for (std::size_t role = 0; role < r.by_role.size(); ++role) row(to_string(static_cast<Role>(role)), r.by_role[role]);
  row("all, likely", r.spent);
  row("all, at least", r.least);
  print(table.text());
  print(fmt::format("\nproposals: {}\n", r.proposals));
  if (r.test_rows == 0) print("there is no test split, so no gain can be proven\n");
  else if (!r.smallest_difference)
    print(fmt::format("the test split has {} rows, too few to show any difference\n", r.test_rows));
  else
    print(fmt::format(
        "the test split has {} rows; a gain of {:.2f} shows on it with a chance of 0.8, a smaller one less often\n",
        r.test_rows, *r.smallest_difference));
  print(
      "likely: what is proposed is all fit to be scored, and a better prompt is tested where one can be; at least: a "
      "teacher's texts are all refused; never more than the budget\n");
  print("nothing was called\n");
  return kDone;
}

int optimize_verb(OptimizeFlags& flags) {
  if (Status read = read_environment(flags.common.env_file); !read.ok()) return fail(read);
  flags.run.on_data = [](const std::string& remark) { say(remark); };
  if (flags.dry_run) return rehearse_only(flags);
  if (flags.json && flags.events == "-")
    return fail(invalid("--json and --events - both want standard output; give --events a file"));
  flags.run.also_read = {{"the file of --env-file", flags.common.env_file}};
  if (flags.events != "-") flags.run.also_written = {{"--events", flags.events}};
  EventLog events(flags.events);
  Loop loop;
  const Interrupt interrupt(loop);
  Progress progress;
  StudyOptions hooks;
  hooks.on_event = [&](const Event& event) {
    events.write(event);
    progress.on_event(event);
  };
  hooks.on_spent = [&](const Spent& total) { progress.on_spent(total); };
  const Result<RunResult> run = run_task(loop, flags.run, hooks, interrupt.token());
  progress.clear();
  if (!run.ok()) return fail(run.status());
  const Status logged = events.close();
  if (!run->set_aside.empty()) say("the old run file is kept as " + run->set_aside);
  if (run->was_finished) say("this study is finished already; its artefact was written again, and nothing was called");
  for (const std::string& remark : run->remarks) say(remark);
  if (flags.json) print(to_text(run->artefact));
  else if (flags.events != "-") print_result(*run);
  if (run->kept.ok()) say(places(*run));
  else if (run->artefact_path.empty() && run->run_path.empty() && !flags.json) print("\n" + to_text(run->artefact));
  const int interrupted = run->report.stop == Stop::kCancelled ? kInterrupted : kDone;
  const int unkept = run->kept.ok() ? kDone : fail(run->kept), unlogged = logged.ok() ? kDone : fail(logged);
  return interrupted != kDone ? interrupted : unkept != kDone ? unkept : unlogged;
}

}  // namespace

void add_optimize(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<OptimizeFlags>();
  CLI::App& verb =
      add_verb(app, "optimize", "improve the task's program; goes on where an earlier run stopped",
               "redraft optimize tickets.toml --optimizer demo_search --max-calls 2000", flags, optimize_verb, chosen);
  add_task(verb, flags->run, flags->common);
  verb.add_option("--run", flags->run.run, "where studies live (default: TASK.redraft.db)")->type_name("FILE.db");
  verb.add_option("--out", flags->run.out, "the artefact (default: TASK.best.json)")->type_name("FILE.json");
  verb.add_option_function<std::string>(
          "--optimizer", [flags](const std::string& name) { flags->run.optimizer = name; },
          "a name of `redraft list optimizers`")
      ->type_name("NAME");
  Budget& budget = flags->run.budget;
  add_count(verb, "--max-calls", budget.calls, 1, "stop after so many model calls");
  add_count(verb, "--max-tokens", budget.tokens, 1, "stop after so many tokens, in and out together");
  add_amount(verb, "--max-cost", budget.cost, "stop after so much money, in the currency of the prices");
  add_amount(verb, "--max-seconds", budget.seconds, "stop after so many seconds");
  add_count(verb, "--max-rounds", budget.rounds, 1, "stop after so many rounds");
  add_seed(verb, flags->run.seed);
  verb.add_option_function<std::string>(
          "--ship",
          [flags](const std::string& text) {
            if (text == "auto") flags->run.ship = Ship::kAuto;
            else if (text == "seed") flags->run.ship = Ship::kSeed;
            else if (text == "best") flags->run.ship = Ship::kBest;
            else throw CLI::ValidationError("--ship takes auto, seed or best, not \"" + text + "\"");
          },
          "what the artefact holds; auto: the best when its gain is significant, else the seed")
      ->type_name("auto|seed|best");
  verb.add_option("--events", flags->events, "write JSON lines, one per event; - is standard output")
      ->type_name("FILE|-");
  verb.add_flag("--fresh", flags->run.fresh, "start anew; the old run file is kept under another name");
  verb.add_flag("--dry-run", flags->dry_run, "print what the run would take, and call nothing");
  add_journal(verb, flags->run.journal);
  verb.add_flag("--json", flags->json, "print the artefact on standard output");
}

}  // namespace redraft
