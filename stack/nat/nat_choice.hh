// Which tuple a connection gets, in stack/nat/nat_choice.cc. Linux's get_unique_tuple().
#pragma once

#include "stack/nat/nat.hh"

namespace lxnet {

// The tuple of `present` with its source or destination put into the range, one that no other connection has. Where all that were
// tried are taken one of them comes back, and the connection fails when it is to be confirmed.
FlowTuple choose_tuple(ConnectionTable& table, Connection& connection, const FlowTuple& present, const NatRange& range,
                       NatSide side, Instant now);

}  // namespace lxnet
