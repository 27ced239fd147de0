// Looking ahead: a device delivers packets by the batch, and what each needs of the tables lies in memory that nobody has read
// for long where there are many connections. Before the first of a batch is received, the flows of all are fetched at once, so
// that one waits for memory while the others do too.
//
// It decides nothing: a packet that it does not understand, or understands wrongly, is looked for as any other.
#pragma once

#include "netdev/packet.hh"

namespace lxnet {

class Interface;

// As a device delivered them, their fronts at the link header.
void look_ahead(Interface& interface, PacketQueue& frames);

}  // namespace lxnet
