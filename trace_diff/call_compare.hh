// Two calls that belong together: what differs between them.
#pragma once

#include <vector>

#include "trace_diff/divergence.hh"
#include "trace_diff/identities.hh"
#include "trace_diff/line.hh"
#include "trace_diff/rules.hh"

namespace lxnet::trace {

// A call with the tree it was read into.
struct ParsedCall {
  ValueTree tree;
  Call call;
};

// Learns which descriptors, ports and processes stand for each other. The most telling difference comes first; none is an equal
// pair.
std::vector<Difference> compare_calls(const CallRules& rules, const ParsedCall& a, const ParsedCall& b, Identities& identities,
                                      Bijection& files);

}  // namespace lxnet::trace
