// Sockets that only unread messages refer to, and only messages nobody can read: found and freed.
#pragma once

#include "compat/afunix/unix_domain.hh"

namespace lxnet {

// Costs nothing while no socket is in flight, and else time in proportion to those in flight and their messages.
void collect_unreachable_sockets(UnixDomain& domain, Entry& entry);

}  // namespace lxnet
