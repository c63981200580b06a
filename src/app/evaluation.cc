#include "app/evaluation.h"

#include <algorithm>
#include <filesystem>

#include "app/artefact_program.h"
#include "app/run.h"

namespace redraft {
namespace {

// What is measured: the task's program with its own texts, or an artefact's.
struct Subject {
  Problem problem;
  Candidate candidate;
  std::optional<Fitted> fitted;  // none: fitted from train
  std::string what;
};

Result<Subject> subject_of(const Assembly& a, const std::string& artefact) {
  Subject s;
  s.problem = a.problem;
  if (artefact.empty()) {
    s.candidate = seed_of(a.problem.program->parameters());
    s.what = "the seed";
    return s;
  }
  REDRAFT_TRY(const Artefact loaded, load_artefact(artefact));
  for (const std::string& name : inputs_of(loaded))
    if (std::ranges::find(a.task.data.inputs, name) == a.task.data.inputs.end() &&
        std::ranges::find(a.task.data.extra, name) == a.task.data.extra.end())
      return invalid("the artefact " + artefact + " reads a column \"" + name + "\" that the task " + a.task.name +
                     " does not have");
  REDRAFT_TRY(s.problem.program, program_of(loaded, a.models.student->capabilities()));
  s.candidate = loaded.parameters;
  s.fitted = loaded.fitted;
  s.what = artefact + " (" + loaded.shipped + ")";
  return s;
}

std::string run_path_of(const EvaluationFlags& flags) {
  return flags.run.empty() ? default_run_path(flags.task) : flags.run;
}

struct OpenFile {
  std::unique_ptr<RunFile> file;
  bool counts_looks = false;
};

// Evaluating must work beside a running study, and beside a file that is of no use for it; but not a look at the test
// split, which is to be counted. Only that makes a file, so that it is counted from the first one on.
Result<OpenFile> open_file(const EvaluationFlags& flags, const Assembly& a, std::vector<std::string>& remarks) {
  const bool by_default = flags.run.empty();
  const std::string path = run_path_of(flags);
  const auto open = [&](JournalMode mode) -> Result<OpenFile> {
    REDRAFT_TRY(std::unique_ptr<RunFile> file, RunFile::open(path, mode, a.task_identity(), a.costs_money()));
    return OpenFile{std::move(file), mode != JournalMode::kOff};
  };
  std::error_code error;
  const bool makes_file = flags.split == Split::kTest && flags.journal == JournalMode::kReadWrite;
  if (flags.journal == JournalMode::kOff || (by_default && !makes_file && !std::filesystem::exists(path, error)))
    return open(JournalMode::kOff);
  Result<OpenFile> opened = open(flags.journal);
  if (opened.ok() || !by_default || makes_file) return opened;
  if (flags.journal == JournalMode::kReadWrite) {
    Result<OpenFile> copy = open(JournalMode::kReadOnly);
    if (copy.ok()) {
      remarks.push_back("the run file is only read: " + opened.status().message());
      return copy;
    }
  }
  remarks.push_back("the run file is not used: " + opened.status().message());
  return open(JournalMode::kOff);
}

// Where a look with this candidate is counted: in the study that has scored it on the test split, or else in one of its
// own, so that the file counts it, and counts the same one once.
Result<StudyIdentity> look_identity(const Assembly& a, const Subject& subject, RunFile& file) {
  StudyIdentity identity = a.study_identity();
  const std::string id = candidate_id(subject.candidate);
  if (subject.problem.program->description() == a.problem.program->description()) {
    REDRAFT_TRY(std::optional<StudyIdentity> tested, file.tested(id, identity));
    if (tested) return std::move(*tested);
  }
  identity.config = Json{{"evaluated", id}, {"models", a.models_json()}, {"strict", a.strict}};
  return identity;
}

Result<Dataset> rows_of(const EvaluationFlags& flags, const Assembly& a, const std::vector<const Subject*>& subjects,
                        OpenFile& opened, TaskEvaluation& result) {
  Dataset rows;
  if (flags.split == Split::kTest) {
    if (a.problem.test.size() == 0)
      return Status(Code::kNotFound,
                    "the task " + a.task.name + " has no test split; name one as data.test, or use --split val");
    for (const Subject* subject : subjects) {
      REDRAFT_TRY(const StudyIdentity look, look_identity(a, *subject, *opened.file));
      REDRAFT_TRY(const std::unique_ptr<Store> store, opened.file->study(look));
      REDRAFT_TRY(const SealedSplit::Opened test, a.problem.test.open(*store));
      if (opened.counts_looks) result.looks = std::max(test.looks, result.looks.value_or(0));
      rows = test.rows;
    }
  } else {
    rows = flags.split == Split::kTrain ? a.problem.train : a.problem.val;
  }
  if (flags.limit > 0 && flags.limit < rows.size())
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(flags.limit), rows.end());
  return rows;
}

Status check_files(const EvaluationFlags& flags, const Assembly& a) {
  std::vector<Place> read = files_of(a.task);
  read.insert(read.end(), {{"the artefact", flags.artefact}, {"the artefact to compare with", flags.not_worse_than}});
  read.insert(read.end(), flags.also_read.begin(), flags.also_read.end());
  return check_places(run_path_of(flags), read, flags.also_written);
}

}  // namespace

Result<TaskEvaluation> evaluate_task(Loop& loop, const EvaluationFlags& flags, const StudyOptions& hooks,
                                     std::stop_token stop) {
  REDRAFT_TRY(const std::unique_ptr<Assembly> a, assemble(loop, flags));
  REDRAFT_RETURN_IF_ERROR(check_files(flags, *a));
  TaskEvaluation result;
  result.task = a->task.name;
  result.remarks = a->remarks;
  REDRAFT_TRY(const Subject subject, subject_of(*a, flags.artefact));
  result.what = subject.what;
  std::optional<Subject> other;
  if (!flags.not_worse_than.empty()) {
    REDRAFT_TRY(other, subject_of(*a, flags.not_worse_than));
  }
  REDRAFT_TRY(OpenFile opened, open_file(flags, *a, result.remarks));
  std::vector<const Subject*> subjects = {&subject};
  if (other) subjects.push_back(&*other);
  REDRAFT_TRY(result.rows, rows_of(flags, *a, subjects, opened, result));
  StudyOptions options = hooks;
  options.seed = a->seed;
  const auto measured = [&](const Subject& s) {
    return measure(loop, s.problem, s.candidate, s.fitted ? &*s.fitted : nullptr, result.rows, a->models,
                   opened.file->journal(), options, stop);
  };
  const auto add = [&](const std::array<Spent, 3>& by_role, const RunCounters& run) {
    for (const Spent& s : by_role) result.spent += s;
    result.run += run;
  };
  REDRAFT_TRY(result.measured, measured(subject));
  add(result.measured.spent, result.measured.run);
  if (other) {
    REDRAFT_TRY(result.other, measured(*other));
    add(result.other->spent, result.other->run);
    if (!flags.pairwise)
      result.against =
          compare(result.other->evaluation, result.measured.evaluation, a->problem.metric->binary(), a->seed);
  }
  if (other && flags.pairwise) {
    REDRAFT_TRY(const Preferred preferred,
                prefer(loop, a->problem, result.measured.evaluation, result.other->evaluation, result.rows, a->models,
                       opened.file->journal(), options, stop));
    result.against = preferred.comparison;
    add(preferred.spent, preferred.run);
  }
  result.kept = opened.file->still_there();
  return result;
}

bool worse(const Comparison& against) { return against.p < 0.05 && against.difference.mean < 0; }

}  // namespace redraft
