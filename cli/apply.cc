// `redraft apply`: rows in, answers out, line by line. What has come is answered together, since the embedded model
// profits from batches, and printed before more is waited for: a writer that pauses gets its answers meanwhile.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/artefact_program.h"
#include "base/utf8.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "formats/dataset.h"
#include "formats/jsonl.h"
#include "models/llama_cpp.h"

namespace redraft {
namespace {

constexpr std::size_t kRowsAtOnce = 256;
const std::string kInputName = "standard input";

struct ApplyFlags {
  std::string artefact, model, env_file;
  std::vector<std::string> set;
  std::optional<std::string> encoding;
  bool strict = false;
};

// Standard input as rows. One that cannot be read as such is a Status in its place.
class RowsIn {
 public:
  explicit RowsIn(const Artefact& artefact) { columns_.inputs = inputs_of(artefact); }

  // Waits for a row and takes those that are there as well; none: the end, or the interrupt. kIo: it cannot be read.
  Result<std::vector<Result<Fields>>> next(Interrupt& interrupt) {
    std::vector<Result<Fields>> rows;
    while (rows.size() < kRowsAtOnce) {
      if (std::optional<std::string> line = next_line()) {
        if (!trimmed(*line).empty()) rows.push_back(row_of(*line));
        continue;
      }
      if (ended_ || !interrupt.readable(STDIN_FILENO, rows.empty())) break;
      if (unread_ = read_more(); !unread_.ok()) ended_ = true;  // told once the rows before are answered
    }
    if (rows.empty() && !unread_.ok()) return unread_;
    return rows;
  }

 private:
  std::optional<std::string> next_line() {
    const std::size_t end = text_.find('\n', searched_);
    searched_ = end == std::string::npos ? text_.size() : end + 1;
    if (end == std::string::npos && (!ended_ || at_ == text_.size())) return std::nullopt;
    std::string line = text_.substr(at_, std::min(end, text_.size()) - at_);
    at_ = searched_;
    if (number_++ == 0 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    return line;
  }

  Status read_more() {
    text_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    char block[65536];
    const ssize_t n = ::read(STDIN_FILENO, block, sizeof block);
    if (n > 0) text_.append(block, static_cast<std::size_t>(n));
    if (n == 0) ended_ = true;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
      return Status(Code::kIo, kInputName + " cannot be read: " + std::strerror(errno));
    return {};
  }

  // The row whole: a program may read more columns than its inputs (choices_from).
  Result<Fields> row_of(const std::string& line) const {
    REDRAFT_TRY(Row row, jsonl_row(line, number_, kInputName));
    REDRAFT_RETURN_IF_ERROR(to_examples({row}, columns_, kInputName).status());
    return std::move(row.fields);
  }

  DataSpec columns_;
  std::string text_;                   // what was read and is not used up
  std::size_t at_ = 0, searched_ = 0;  // in text_: the next line, and where its end is looked for
  int number_ = 0;                     // of lines so far
  bool ended_ = false;
  Status unread_;  // not ok: it could not be read to its end
};

Result<ModelSpec> model_for(const ApplyFlags& flags, const Artefact& artefact) {
  ModelSpec spec{flags.model, Json::object(), ".", flags.strict};
  if (flags.model.empty()) {
    REDRAFT_TRY(spec, student_of(artefact));
  }
  REDRAFT_RETURN_IF_ERROR(add_settings(spec.settings, flags.set));
  if (flags.encoding && !claims_embedded(spec.name))
    return invalid("--encoding " + *flags.encoding + " is for embedded models, and " + spec.name +
                   " is none; leave it out");
  if (flags.encoding) spec.settings["encoding"] = *flags.encoding;
  spec.tell = [](const std::string& remark) { say(remark); };
  return spec;
}

struct Answered {
  std::size_t read = 0, printed = 0, unanswered = 0;
  Status bad_row;   // the first one
  Status unusable;  // of the model, at the first row that met it
};

// An answer, or why there is none, as one line.
void print_answer(const Result<Json>& answer, Answered& done) {
  ++done.printed;
  print(to_text(answer.ok() ? *answer : Json{{"error", answer.status().message()}}) + "\n");
  if (answer.ok()) return;
  ++done.unanswered;
  if (exit_code(answer.status().code()) != kBadInput && done.unusable.ok()) done.unusable = answer.status();
}

// Prints the answers to these rows in their order, up to the first that the interrupt left open.
void print_answers(const std::vector<Result<Fields>>& rows, const std::vector<Result<Json>>& answered, Answered& done) {
  auto answer = answered.begin();
  for (const Result<Fields>& row : rows) {
    if (!row.ok()) {
      if (done.bad_row.ok()) done.bad_row = row.status();
      print_answer(row.status(), done);
      continue;
    }
    if (answer == answered.end()) break;
    print_answer(*answer++, done);
  }
  std::fflush(stdout);
}

Status answer_rows(const ApplyFlags& flags, Answered& done) {
  REDRAFT_TRY(const Artefact artefact, load_artefact(flags.artefact));
  REDRAFT_TRY(const ModelSpec spec, model_for(flags, artefact));
  Loop loop;
  Interrupt interrupt(loop, "what is answered up to the first open row is printed");
  REDRAFT_TRY(const std::unique_ptr<Model> model, make_model(loop, spec));
  REDRAFT_TRY(const std::unique_ptr<Program> program, program_of(artefact, model->capabilities()));
  REDRAFT_TRY(const std::unique_ptr<RunFile> memory, RunFile::open("", JournalMode::kOff, TaskIdentity{}, false));
  RowsIn input(artefact);
  while (!interrupt.token().stop_requested() && !std::ferror(stdout)) {
    REDRAFT_TRY(const std::vector<Result<Fields>> rows, input.next(interrupt));
    if (rows.empty()) break;
    done.read += rows.size();
    std::vector<Fields> sound;
    for (const Result<Fields>& row : rows)
      if (row.ok()) sound.push_back(*row);
    print_answers(rows, answers(loop, *program, artefact, sound, *model, memory->journal(), interrupt.token()), done);
  }
  if (interrupt.token().stop_requested())
    return Status(Code::kCancelled, "interrupted: " + std::to_string(done.printed) + " of the " +
                                        std::to_string(done.read) + " rows that had come are answered");
  return done.unusable.ok() ? done.bad_row : done.unusable;
}

int apply_verb(ApplyFlags& flags) {
  if (Status read = read_environment(flags.env_file); !read.ok()) return fail(read);
  Answered done;
  const Status status = answer_rows(flags, done);
  if (done.unanswered > 0)
    say(std::to_string(done.unanswered) + " of " + std::to_string(done.printed) +
        " rows have no answer; \"error\" says why in each");
  return status.ok() ? kDone : fail(status);
}

}  // namespace

void add_apply(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ApplyFlags>();
  CLI::App& verb = add_verb(app, "apply", "answer rows with an artefact: JSON lines in, JSON lines out",
                            "redraft apply tickets.best.json < rows.jsonl > answers.jsonl", flags, apply_verb, chosen);
  verb.add_option("ARTEFACT", flags->artefact, "what `redraft optimize` wrote")->type_name("ARTEFACT.json")->required();
  verb.add_option("--model", flags->model, "the model (default: the one that the artefact was made with)")
      ->type_name("MODEL");
  verb.add_option("--set", flags->set, "a setting of the model, as in its table: api_key_env=MY_KEY; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  verb.add_flag("--strict", flags->strict, "bits that depend on the data only (embedded model)");
  add_encoding(verb, flags->encoding);
  verb.add_option("--env-file", flags->env_file, "read KEY=VALUE lines into the environment first")->type_name("FILE");
}

}  // namespace redraft
