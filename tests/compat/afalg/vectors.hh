// Published examples, kept as text in vectors/: a line is a word and what it says. "source" names where the examples behind it
// were published, "algorithm" begins one, and the rest are its bytes.
#pragma once

#include <string>

#include "compat/afalg/known_answers.hh"
#include "tests/compat/afalg/alg_machine.hh"

namespace lxnet::testing {

struct Vector {
  std::string source, name;
  // As KnownAnswer has them.
  Bytes key, iv, associated, input, output;
  // A generator's two draws: what is put in with each, and with prediction resistance the entropy that each begins with.
  Bytes additional[2], entropy[2];

  KnownAnswer answer() const { return {name.c_str(), key, iv, associated, input, output}; }
};

Bytes bytes_of_hex(const std::string& text);
std::vector<Vector> read_vectors();

}  // namespace lxnet::testing
