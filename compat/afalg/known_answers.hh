// Known answers: what an implementation must have computed before anybody uses it.
#pragma once

#include "compat/afalg/algorithm.hh"

namespace lxnet {

// One published example. A hash: key and input give output. An skcipher: key, iv and input. An aead: output is the text, then the
// tag. A generator: `key` is the entropy, `input` the personalisation.
struct KnownAnswer {
  const char* name;  // Algorithm::name; a generator's driver name
  ByteSpan key, iv, associated, input, output;
};

std::span<const KnownAnswer> known_answers();

}  // namespace lxnet
