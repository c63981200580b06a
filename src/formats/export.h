// An artefact in a form that other tools take. Only what is sent can be exported exactly, so exports are made from the
// rendered request, and each says what its form cannot carry instead of dropping it in silence.
#ifndef REDRAFT_FORMATS_EXPORT_H_
#define REDRAFT_FORMATS_EXPORT_H_

#include "formats/artefact.h"

namespace redraft {

// text: for people.  openai: a chat request with {{name}} for inputs.  python: a module without dependencies whose
// build_messages(inputs) gives the very messages.
const std::vector<std::string>& export_formats();

// Values to render with in place of real inputs: each is its own name between two private characters, so that an input
// can be told from a text that merely looks like one.
Fields marked_inputs(const std::vector<std::string>& names);

struct Export {
  std::string text;
  std::vector<std::string> cannot_carry;  // for people; text and python hold them as well
};

// `rendered`: what Program::render gives for the shipped parameters and marked_inputs(). kNotFound for an unknown
// format; kInvalidArgument when a message holds anything but text.
Result<Export> export_artefact(const Artefact& artefact, const Request& rendered, std::string_view format);

}  // namespace redraft

#endif  // REDRAFT_FORMATS_EXPORT_H_
