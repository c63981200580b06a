// `redraft diff` and `redraft report`: what a run changed, on the terminal and as a page.
#include <fmt/format.h>

#include "app/pages.h"
#include "app/places.h"
#include "base/file.h"
#include "base/text_diff.h"
#include "cli/console.h"
#include "cli/flags.h"

namespace redraft {
namespace {

struct DiffFlags {
  std::string run;
  int study = 0;
  std::vector<std::string> candidates;
};

// A candidate by its number or its id.
Result<const CandidateInfo*> named(const StudyView& view, const std::string& name) {
  const CandidateInfo* found = view.candidate(name);
  if (!found && name.size() < 10)
    if (const std::optional<double> number = number_of(name);
        number && *number >= 1 && *number <= static_cast<double>(view.candidates.size()))
      found = view.candidate(static_cast<int>(*number));
  if (found) return found;
  return Status(Code::kNotFound, "study " + std::to_string(view.info.number) + " has no candidate " + name +
                                     "; they are numbered from 1 to " + std::to_string(view.candidates.size()));
}

void print_flips(const Flips& flips, bool better) {
  TextTable table({"example", "#before", "#after", "answer before", "answer after", "expected", "input"});
  for (const Flip& f : flips.rows_that_differ)
    if ((f.best_score > f.seed_score) == better)
      table.add({f.example, decimal(f.seed_score), decimal(f.best_score), one_line(f.seed_output, 30),
                 one_line(f.best_output, 30), one_line(f.expected, 30), one_line(f.input, 60)});
  if (table.empty()) return print(better ? "\nnone got better\n" : "\nnone got worse\n");
  print(std::string(better ? "\ngot better\n" : "\ngot worse\n") + table.text());
}

Status diff(const DiffFlags& flags) {
  REDRAFT_TRY(const std::unique_ptr<Inspection> inspection, Inspection::open(flags.run));
  REDRAFT_TRY(const StudyView view, view_of(*inspection, flags.study));
  if (view.candidates.empty())
    return Status(Code::kNotFound, "study " + std::to_string(view.info.number) + " has scored nothing yet");
  const CandidateInfo* a = view.candidate(view.seed);
  const CandidateInfo* b = view.candidate(view.best);
  if (flags.candidates.size() == 1) return invalid("diff takes two candidates, or none for seed against best");
  if (flags.candidates.size() == 2) {
    REDRAFT_TRY(a, named(view, flags.candidates[0]));
    REDRAFT_TRY(b, named(view, flags.candidates[1]));
  }
  if (!a || !b) return Status(Code::kCorruption, "the study's seed or best is not among its candidates");
  print(fmt::format("study {}: candidate {} ({}) against {} ({})\n", view.info.number, a->number, a->why, b->number,
                    b->why));
  if (a->id == b->id) return print("they are the same\n"), Status();
  for (const auto& [name, after] : b->texts) {
    const auto before = a->texts.find(name);
    const std::string text = before == a->texts.end() ? "" : before->second;
    if (text != after)
      print("\n" + name + "\n" + diff_plain(readable_text(text), readable_text(after), in_colour(stdout)));
  }
  REDRAFT_TRY(const Flips flips, flips_between(*inspection, view.info.number, a->id, b->id, rows_beside(flags.run)));
  print(fmt::format("\n{} of {} rows of {} changed their score\n", flips.rows_that_differ.size(), flips.rows,
                    to_string(flips.split)));
  print_flips(flips, true);
  print_flips(flips, false);
  return {};
}

int diff_verb(DiffFlags& flags) {
  const Status status = diff(flags);
  return status.ok() ? kDone : fail(status);
}

struct ReportFlags {
  std::string run, out;
};

Status report(const ReportFlags& flags) {
  REDRAFT_RETURN_IF_ERROR(check_places(flags.run, files_beside(flags.run), {{"-o", flags.out}}));
  REDRAFT_TRY(const std::unique_ptr<Inspection> inspection, Inspection::open(flags.run));
  REDRAFT_TRY(const RunPage page, run_page(*inspection, flags.run, rows_beside(flags.run)));
  return write_file(flags.out, html_report(page));
}

int report_verb(ReportFlags& flags) {
  const Status status = report(flags);
  if (!status.ok()) return fail(status);
  say("the report is " + flags.out);
  return kDone;
}

}  // namespace

void add_diff(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<DiffFlags>();
  CLI::App& verb =
      add_verb(app, "diff", "seed against best, or two candidates: texts, and the rows that changed each way",
               "redraft diff tickets.redraft.db\n  redraft diff tickets.redraft.db 1 7", flags, diff_verb, chosen);
  verb.add_option("RUN", flags->run, "the run file")->type_name("RUN.db")->required();
  verb.add_option("CANDIDATES", flags->candidates, "numbers or ids of two candidates")
      ->type_name("A B")
      ->expected(0, 2);
  add_count(verb, "--study", flags->study, 1, "which study (default: the newest)");
}

void add_report(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App& verb = add_verb(app, "report", "all of a run file as one page that needs no network",
                            "redraft report tickets.redraft.db -o tickets.html", flags, report_verb, chosen);
  verb.add_option("RUN", flags->run, "the run file")->type_name("RUN.db")->required();
  verb.add_option("-o,--out", flags->out, "the page")->type_name("FILE.html")->required();
}

void add_serve(CLI::App& app, Action& chosen) {
  CLI::App* verb = app.add_subcommand("serve")->group("")->allow_extras();
  verb->callback([&chosen] {
    chosen = [] {
      return fail(invalid("serve is not in this version; `redraft report RUN.db -o FILE.html` writes the same page"));
    };
  });
}

}  // namespace redraft
