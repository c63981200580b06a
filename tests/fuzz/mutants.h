// Damaged copies of the tiny model, each a function of its number. They are made by somebody who knows the format, so
// that most get past the first lines of a parser: values that are valid and wrong, shapes that fit the bytes and not
// the model, vocabularies that do not hold together, besides the flipped bits and cut ends of a bad disk.
#ifndef REDRAFT_TESTS_FUZZ_MUTANTS_H_
#define REDRAFT_TESTS_FUZZ_MUTANTS_H_

#include <cstdint>
#include <string>

namespace redraft::testing {

struct Mutant {
  std::string kind;        // how it was made, for the table
  std::string bytes;       // of the file, or of its beginning
  std::uint64_t size = 0;  // of the file; what is not in `bytes` is zeros
};

inline constexpr std::uint64_t kMutantKinds = 12;

// `real`: the beginning of the real small model, with all of its header; every 40th mutant is one of it. "": none is.
Mutant mutant(std::uint64_t number, std::string_view real, std::uint64_t real_size);

}  // namespace redraft::testing

#endif  // REDRAFT_TESTS_FUZZ_MUTANTS_H_
