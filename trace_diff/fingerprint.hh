// What two calls are aligned by: hashes without descriptor numbers, ports, addresses and times.
#pragma once

#include <cstdint>

#include "trace_diff/line.hh"
#include "trace_diff/rules.hh"

namespace lxnet::trace {

struct Fingerprint {
  uint64_t asked = 0;  // the call and what the program gave it
  uint64_t whole = 0;  // and what came back
};

Fingerprint fingerprint_of(const CallRules& rules, const ValueTree& tree, const Call& call);

}  // namespace lxnet::trace
