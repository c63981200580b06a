// The conversation of one candidate: compiled once, filled for every row. In the plain form it is
//   system      the instruction, and a last line with the form of the answer ("team: billing | shipping")
//   user        a demonstration's inputs      assistant   its answer      (layout turns), for each demonstration
//   user        the inputs: the value alone when there is one, else a line "name: value" for each; choices that come
//               with the row stand in a line "column: a | b"
// With layout fields a single input has its name too, and the user's message ends with the answer's ("team:"). With
// layout inline the demonstrations stand in the one user message as blocks of such lines. A prompt that
// exists already keeps its messages to the byte; demonstrations come as turns before its last user message. A step that
// reasons ends the user's message with its request for reasoning, the answer follows in a turn of its own:
//   user inputs + request   assistant reasoning   user "team: billing | shipping"   assistant the answer
#ifndef REDRAFT_PROGRAMS_PROMPT_H_
#define REDRAFT_PROGRAMS_PROMPT_H_

#include "programs/options.h"
#include "redraft/candidate.h"
#include "redraft/demonstration.h"

namespace redraft {

struct PromptMessage {
  std::string role;
  Template text;
};

struct Prompt {
  std::vector<PromptMessage> messages;
  std::size_t asking = 0;     // the user's message about the row itself
  std::string request;        // what is added to it to ask for reasoning; "" = nothing
  std::string without;        // what is added to it else (fields, inline: "team:")
  std::string calibrate;      // none, content_free, batch
  std::vector<Fields> shown;  // inputs of the demonstrations
};

// The text of a parameter: the candidate's, or the seed where it has none.
std::string text_of(const StepSpec& spec, const Candidate& candidate, std::string_view part);

// kInvalidArgument when a text is no demonstration, layout or calibration, or a demonstration lacks an input.
Result<Prompt> compile(const StepSpec& spec, const Candidate& candidate);

// The row's inputs as they are shown, in the order of spec.inputs. kInvalidArgument when one is missing.
Result<std::vector<std::string>> shown_inputs(const StepSpec& spec, const Fields& inputs);

std::vector<Message> fill(const Prompt& prompt, const std::vector<std::string>& values, bool ask_reasoning);

}  // namespace redraft

#endif  // REDRAFT_PROGRAMS_PROMPT_H_
