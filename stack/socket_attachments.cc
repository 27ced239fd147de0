// Running a socket's filter.
#include "stack/socket_attachments.hh"

#include "netdev/packet.hh"

namespace lxnet {

void SocketAttachments::inherit(const SocketAttachments& listener) {
  set_filter(listener.filter());
  set_options_v4(listener.options_v4());
  set_extensions_v6(listener.extensions_v6());
}

bool SocketAttachments::admits(Packet& packet, size_t least) const {
  const Ref<BpfProgram> program = filter();
  if (!program) return true;
  size_t kept = program->run(BpfPacket::of(packet));
  if (kept == 0) return false;
  if (kept < least) kept = least;
  if (kept < packet.size()) packet.trim(kept);
  return true;
}

}  // namespace lxnet
