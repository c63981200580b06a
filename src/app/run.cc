#include "app/run.h"

#include <ctime>
#include <filesystem>
#include <unordered_map>

#include "app/artefact_program.h"
#include "base/file.h"
#include "engine/report_json.h"
#include "models/wrapper.h"

namespace redraft {
namespace {

std::string beside(const std::string& task, const std::string& extension) {
  return std::filesystem::path(task).replace_extension(extension).string();
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc));
}

Artefact artefact_of(const Assembly& a, const Report& report, Ship ship) {
  const Shipped shipped = what_ships(report, ship);
  Artefact artefact;
  artefact.task = a.task.name;
  artefact.shipped = shipped.best ? "best" : "seed";
  artefact.reason = shipped.reason;
  artefact.parameters = shipped.best ? report.best : report.seed;
  if (!shipped.best && report.best != report.seed) artefact.best_found = report.best;
  artefact.program = a.problem.program->description();
  artefact.fitted = report.fitted[shipped.best ? 1 : 0];
  artefact.scores = report.test;
  artefact.optimizer = a.optimizer_name;
  artefact.settings = a.task.optimizer.settings;
  artefact.seed = a.seed;
  artefact.models = a.models_json();
  artefact.stop = to_string(report.stop);
  for (const Spent& s : report.spent) artefact.spent += s;
  artefact.run.created = now_utc();
  artefact.run.counters = report.run;
  artefact.run.strict = a.strict;
  return artefact;
}

// Behind the journal: what the journal does not have stays unanswered.
class Silent final : public Wrapper {
 public:
  using Wrapper::Wrapper;
  void start(std::vector<Request> requests, Done done) override {
    for (std::size_t i = 0; i < requests.size(); ++i) done(i, invalid("the journal has no answer to this"));
  }
  void cancel() override {}
};

// What ships is scored once more as a user would run it: from the saved file, row by row against what the test split
// gave. The journal answers, and nobody else: rows with an answer that was cut off, which it never keeps, are left out.
Result<std::string> score_again(Loop& loop, const Assembly& a, const RunResult& result, Journal& journal, Store& store,
                                const StudyOptions& options) {
  const std::string& path = result.artefact_path;
  std::error_code error;
  const bool can_be_read = std::filesystem::is_regular_file(path, error);  // not so: a device, a pipe
  REDRAFT_TRY(const Artefact saved, can_be_read ? load_artefact(path) : parse_artefact(to_text(result.artefact), path));
  if (!saved.scores) return std::string();
  REDRAFT_TRY(std::unique_ptr<Program> program, program_of(saved, a.models.student->capabilities()));
  REDRAFT_TRY(const SealedSplit::Opened opened, a.problem.test.open(store));
  Problem problem = a.problem;
  problem.program = std::move(program);
  StudyOptions quiet;
  quiet.seed = options.seed;
  quiet.most_missing = 1;
  Silent student(*a.models.student), teacher(*a.models.teacher), judge(*a.models.judge);
  REDRAFT_TRY(const Measured again, measure(loop, problem, saved.parameters, &saved.fitted, opened.rows,
                                            Models{&student, &teacher, &judge}, journal, quiet));
  const std::vector<Cell> cells = store.cells(saved.parameters, Split::kTest);
  std::unordered_map<std::string_view, double> measured;
  for (const Cell& cell : cells) measured.emplace(cell.example, cell.score.value);
  for (const Outcome& o : again.evaluation.outcomes) {
    const auto first = measured.find(o.example);
    if (first != measured.end() && std::abs(first->second - o.score.value) < 1e-9) continue;
    return Status(Code::kCorruption,
                  "the saved artefact " + path + " scores " + std::to_string(o.score.value) + " on test row " +
                      o.example + ", not the " + (first != measured.end() ? std::to_string(first->second) : "score") +
                      " that was measured: it must not be used, or the run file was changed; run again "
                      "with --fresh");
  }
  if (again.evaluation.outcomes.size() == cells.size()) return std::string();
  return std::to_string(cells.size() - again.evaluation.outcomes.size()) + " of " + std::to_string(cells.size()) +
         " test rows had an answer that was cut off; the saved artefact was scored again on the others only";
}

// Once there is a result it must not be lost: says which file does not have it, and which one has. A path of the result
// is empty afterwards where nothing came to lie.
Status keep_artefact(RunResult& result, const RunFile& file) {
  const Status there = file.still_there(), saved = save_artefact(result.artefact, result.artefact_path);
  if (!there.ok()) result.run_path.clear();
  if (saved.ok())
    return there.ok() ? there : Status(there.code(), there.message() + "; the result is in " + result.artefact_path);
  result.artefact_path.clear();
  if (result.run_path.empty())
    return Status(saved.code(), saved.message() + "; the result is in no file, only on standard output");
  const bool goes_on = result.report.stop == Stop::kCancelled;
  return Status(saved.code(), saved.message() + "; the result is kept in " + result.run_path +
                                  ", and the same command with --out FILE " +
                                  (goes_on ? "goes on from there" : "writes it without a call"));
}

Status check_files(const RunFlags& flags, const Assembly& a, const std::string& run, const std::string& artefact) {
  std::vector<Place> read = files_of(a.task), written = flags.also_written;
  read.insert(read.end(), flags.also_read.begin(), flags.also_read.end());
  written.insert(written.begin(), Place{"--out", artefact});
  return check_places(run, read, written);
}

Result<Report> run_or_load(Loop& loop, Assembly& a, Journal& journal, Store& store, const StudyOptions& options,
                           std::stop_token stop, bool& was_finished) {
  was_finished = store.finished();
  if (was_finished) {
    const std::optional<Json> stored = store.report();
    return report_from_json(stored ? *stored : Json());
  }
  return optimize(loop, a.problem, *a.optimizer, a.models, journal, store, options, std::move(stop));
}

}  // namespace

Shipped what_ships(const Report& report, Ship ship) {
  if (ship == Ship::kSeed) return {false, "the seed was asked for with --ship seed"};
  if (report.best == report.seed && report.stop == Stop::kCancelled)
    return {false, "interrupted before anything better was found: keep your prompt"};
  if (report.best == report.seed)
    return {false, report.stop == Stop::kSaturated
                       ? "the seed scores 1 on every validation example: there is nothing to gain"
                       : "nothing better than the seed was found: keep your prompt"};
  if (ship == Ship::kBest) return {true, "the best was asked for with --ship best"};
  if (report.test_cut_short) return {false, "the budget ended within the test split: keep your prompt"};
  if (!report.test) {
    if (report.stop == Stop::kCancelled)
      return {true, "interrupted before the test: the best on val so far, not proven"};
    return {true, "there is no test split: the best on val, not proven"};
  }
  if (report.test->significant) return {true, "the gain on the sealed test split is significant"};
  return {false, "no significant gain: keep your prompt"};
}

std::string default_run_path(const std::string& task) { return beside(task, ".redraft.db"); }
std::string default_artefact_path(const std::string& task) { return beside(task, ".best.json"); }

Result<RunResult> run_task(Loop& loop, const RunFlags& flags, const StudyOptions& hooks, std::stop_token stop) {
  if (flags.fresh && flags.journal != JournalMode::kReadWrite)
    return invalid("--fresh starts a new run file, and --journal ro or off writes none; leave one of them out");
  REDRAFT_TRY(const std::unique_ptr<Assembly> a, assemble(loop, flags));
  RunResult result;
  result.budget = a->budget;
  result.artefact_path = flags.out.empty() ? default_artefact_path(flags.task) : flags.out;
  const bool writes_artefact = flags.journal == JournalMode::kReadWrite || !flags.out.empty();
  const std::string run_path = flags.run.empty() ? default_run_path(flags.task) : flags.run;
  REDRAFT_RETURN_IF_ERROR(check_files(flags, *a, run_path, writes_artefact ? result.artefact_path : ""));
  if (flags.journal == JournalMode::kReadWrite) {
    result.run_path = run_path;
    if (flags.fresh) {
      REDRAFT_TRY(result.set_aside, RunFile::set_aside(run_path));
    }
  }
  REDRAFT_TRY(const std::unique_ptr<RunFile> file,
              RunFile::open(run_path, flags.journal, a->task_identity(), a->costs_money()));
  result.remarks = a->tell_data(flags);
  REDRAFT_TRY(const std::string other, file->other_engine(a->study_identity()));
  if (!other.empty())
    result.remarks.push_back("the file has this study by engine " + other + "; engine " + kEngineVersion +
                             " starts it anew and uses its calls");
  REDRAFT_TRY(const std::unique_ptr<Store> store, file->study(a->study_identity()));
  StudyOptions options = hooks;
  options.budget = a->budget;
  options.seed = a->seed;
  REDRAFT_TRY(result.report,
              run_or_load(loop, *a, file->journal(), *store, options, std::move(stop), result.was_finished));
  if (!result.was_finished && result.report.stop != Stop::kCancelled)
    REDRAFT_RETURN_IF_ERROR(store->close(to_json(result.report)));
  result.artefact = artefact_of(*a, result.report, flags.ship);
  // Nothing at all is written without a journal, unless a name was given for it.
  if (writes_artefact) {
    result.kept = keep_artefact(result, *file);
    if (result.kept.ok() && result.report.stop != Stop::kCancelled) {
      REDRAFT_TRY(const std::string left_out, score_again(loop, *a, result, file->journal(), *store, options));
      if (!left_out.empty()) result.remarks.push_back(left_out);
    }
  } else {
    result.artefact_path.clear();
  }
  result.remarks.insert(result.remarks.end(), result.report.remarks.begin(), result.report.remarks.end());
  return result;
}

}  // namespace redraft
