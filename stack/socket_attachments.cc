// Running a socket's filter.
#include "stack/socket_attachments.hh"

#include "netdev/packet.hh"

namespace lxnet {

SocketAttachments::~SocketAttachments() {
  if (holder_ != nullptr) dispose(holder_->mutex.hal(), holder_);
}

// Two tasks may come to make it: the first one's stays.
Result<SocketAttachments::Holder*> SocketAttachments::make_holder(const Hal& hal) {
  Holder* made = construct<Holder>(hal, hal);
  if (made == nullptr) return Errno::ENOMEM;
  Holder* present = nullptr;
  if (__atomic_compare_exchange_n(&holder_, &present, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return made;
  dispose(hal, made);
  return present;
}

Result<> SocketAttachments::inherit(const Hal& hal, const SocketAttachments& listener) {
  TRY(replace(hal, &Holder::filter, listener.filter()));
  return replace(hal, &Holder::extensions_v6, listener.extensions_v6());
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
