// Which rule speaks about a value: shared by the comparison and the fingerprints.
#pragma once

#include "trace_diff/line.hh"
#include "trace_diff/rules.hh"

namespace lxnet::trace {

struct Place {
  int argument = 0;              // or kReturn
  ValueIndex parent = kNoValue;  // the structure that the value is a member of
};

// The rule for a value that is an argument or a member of a structure; null when it is compared as it stands. What an array or a
// change consists of has its container's rule. Output, Input and Stream say who writes, not how to compare, and are not found
// here.
const Rule* find_rule(const CallRules& rules, const ValueTree& tree, const Call& call, const Place& place, std::string_view key);

// The number in `7`, `7<...>` and `htons(7)`; false when it is none.
bool number_of(const ValueTree& tree, ValueIndex index, int64_t& number);

// The value without its decoration.
ValueIndex undecorated(const ValueTree& tree, ValueIndex index);

// A word that is an address in memory: it means nothing in another run.
bool is_address(std::string_view word);

inline bool is_ephemeral(int64_t port) { return port >= 32768 && port <= 60999; }

}  // namespace lxnet::trace
