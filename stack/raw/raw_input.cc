// The raw socket is not implemented: nobody takes its packets.
#include "stack/raw/raw_input.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

bool raw_receive(Entry&, const Packet&) { return false; }

void raw_receive_error(Entry&, const IpError&) {}

}  // namespace lxnet
