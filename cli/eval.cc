// `redraft eval`: one prompt on one split, and the gates for continuous integration.
#include <fmt/format.h>

#include <algorithm>

#include "app/evaluation.h"
#include "base/file.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/score_files.h"
#include "formats/report.h"

namespace redraft {
namespace {

struct EvalFlags {
  EvaluationFlags evaluation;
  CommonFlags common;
  std::string csv, junit;
  std::int64_t limit = 0;
  double min_score = -1;  // below 0: no gate
};

std::string all_labels(const Example& row) {
  if (row.labels.size() == 1) return plain(row.labels.begin()->second);
  return row.labels.empty() ? "" : to_text(Json(row.labels));
}

void print_rows(const std::vector<ScoredRow>& rows) {
  TextTable table({"example", "#score", "answer", "expected", "feedback"});
  for (const ScoredRow& r : rows)
    table.add({r.row->id, decimal(r.outcome->score.value), one_line(r.outcome->output, 40),
               one_line(all_labels(*r.row), 40), one_line(r.outcome->score.feedback, 80)});
  print(table.text());
}

// Each gate that was asked for: a line, and whether all are met.
bool print_gates(const EvalFlags& flags, const TaskEvaluation& e) {
  bool met = true;
  const auto gate = [&](bool passed, const std::string& text) {
    print(fmt::format("gate {}: {}\n", passed ? "met" : "not met", text));
    met = met && passed;
  };
  if (flags.min_score >= 0)
    gate(e.measured.mean.mean >= flags.min_score,
         fmt::format("the mean {:.3f}, the least allowed {:.3f}", e.measured.mean.mean, flags.min_score));
  if (e.against)
    gate(!worse(*e.against), fmt::format("{} against {}, p {} ({}), {} better, {} worse rows",
                                         difference(e.against->difference), flags.evaluation.not_worse_than,
                                         p_value(e.against->p), e.against->test, e.against->fixed, e.against->broken));
  return met;
}

int print_evaluation(const EvalFlags& flags, const TaskEvaluation& e) {
  const std::vector<ScoredRow> rows = scored_rows(e);
  const std::string split(to_string(flags.evaluation.split));
  print_rows(rows);
  print(fmt::format("\n{}: {} on {}, {} of {} rows\nmean {}\n", e.task, e.what, split, rows.size(), e.rows.size(),
                    with_interval(e.measured.mean)));
  if (e.other) print(fmt::format("mean of {} {}\n", flags.evaluation.not_worse_than, with_interval(e.other->mean)));
  if (e.looks) print(fmt::format("looks at the test split, this one included: {}\n", *e.looks));
  print(fmt::format("spent: {} calls ({} paid), {} tokens in, {} out, cost {}\n", e.spent.calls, e.run.calls_paid,
                    e.spent.tokens_in, e.spent.tokens_out, cost(e.spent)));
  const bool met = print_gates(flags, e);
  int code = e.kept.ok() ? kDone : fail(e.kept);
  if (!flags.csv.empty())
    if (Status written = write_file(flags.csv, csv_of(rows)); !written.ok()) code = fail(written);
  if (!flags.junit.empty())
    if (Status written = write_file(flags.junit, junit_of(e.task, split, rows)); !written.ok()) code = fail(written);
  return code != kDone ? code : met ? kDone : kGateNotMet;
}

int eval_verb(EvalFlags& flags) {
  if (Status read = read_environment(flags.common.env_file); !read.ok()) return fail(read);
  flags.evaluation.limit = static_cast<std::size_t>(flags.limit);
  flags.evaluation.also_read = {{"the file of --env-file", flags.common.env_file}};
  flags.evaluation.also_written = {{"--csv", flags.csv}, {"--junit", flags.junit}};
  Loop loop;
  const Interrupt interrupt(loop);
  Progress progress;
  StudyOptions hooks;
  hooks.on_spent = [&](const Spent& total) { progress.on_spent(total); };
  const Result<TaskEvaluation> evaluated = evaluate_task(loop, flags.evaluation, hooks, interrupt.token());
  progress.clear();
  if (!evaluated.ok()) return fail(evaluated.status());
  for (const std::string& remark : evaluated->remarks) say(remark);
  return print_evaluation(flags, *evaluated);
}

}  // namespace

void add_eval(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<EvalFlags>();
  EvaluationFlags& e = flags->evaluation;
  CLI::App& verb =
      add_verb(app, "eval", "score the task's prompt, or an artefact's, on one split",
               "redraft eval tickets.toml --artefact tickets.best.json --split test --min-score 0.8\n"
               "Exit code 1 when a gate is not met. A row fails in the JUnit file when it scores below 0.5.",
               flags, eval_verb, chosen);
  add_task(verb, e, flags->common);
  verb.add_option("--artefact,--artifact", e.artefact, "score what this file ships (default: the task's own texts)")
      ->type_name("FILE.json");
  add_split(
      verb, [&e](Split split) { e.split = split; }, "which rows (default: val; a look at test is counted)");
  add_count(verb, "--limit", flags->limit, 1, "at most so many rows, the same ones each time");
  verb.add_option("--csv", flags->csv, "a line per row as well")->type_name("FILE");
  verb.add_option("--junit", flags->junit, "a test case per row as well")->type_name("FILE");
  verb.add_option_function<std::string>(
          "--min-score",
          [flags](const std::string& text) {
            flags->min_score = number_of(text).value_or(-1);
            if (!(flags->min_score >= 0 && flags->min_score <= 1))
              throw CLI::ValidationError("--min-score takes a number from 0 to 1, not \"" + text + "\"");
          },
          "gate: the mean is not below this")
      ->type_name("X");
  verb.add_option("--not-worse-than", e.not_worse_than,
                  "gate: not significantly worse than this artefact on the same rows")
      ->type_name("FILE.json");
  verb.add_flag("--pairwise", e.pairwise,
                "that gate by answers, not scores: the metric compares the two of each row (a judge in both orders)")
      ->needs("--not-worse-than");
  verb.add_option("--run", e.run,
                  "whose calls are used and kept (default: TASK.redraft.db, when it is there; a look at test makes it)")
      ->type_name("FILE.db");
  add_seed(verb, e.seed);
  add_journal(verb, e.journal);
}

}  // namespace redraft
