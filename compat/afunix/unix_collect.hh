// Sockets that only unread messages refer to, and only messages nobody can read: found and freed.
#pragma once

#include "compat/afunix/unix_domain.hh"

namespace lxnet {

// Costs nothing unless sockets in flight may refer to each other in circles (unix_graph.hh).
void collect_unreachable_sockets(UnixDomain& domain);

}  // namespace lxnet
