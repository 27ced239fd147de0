#include "compat/afpacket/packet_domain.hh"

#include "compat/afpacket/packet_report.hh"
#include "compat/afpacket/packet_socket.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

PacketDomain::PacketDomain(Stack& stack) : stack_(stack), observer_(*this), mutex_(stack.hal(), LockRank::Socket) {
  stack.interfaces().add_observer(observer_);
}

PacketDomain::~PacketDomain() { stack_.interfaces().remove_observer(observer_); }

PacketDomain& PacketDomain::of(Stack& stack) { return *static_cast<PacketDomain*>(CompatState::of(stack).packet_domain); }

size_t PacketDomain::ring_room_locked() const {
  const size_t limit = stack_.pool().limit();
  return ring_bytes_ < limit ? limit - ring_bytes_ : 0;
}

PacketFanout* PacketDomain::find_fanout_locked(uint16_t id) const {
  for (PacketFanout* fanout = fanouts_.front(); fanout != nullptr; fanout = fanouts_.next(*fanout)) {
    if (fanout->id() == id) return fanout;
  }
  return nullptr;
}

bool PacketDomain::find_free_fanout_locked(uint16_t& id) {
  uint16_t candidate = next_fanout_;
  do {
    if (find_fanout_locked(candidate) == nullptr) {
      id = candidate;
      next_fanout_ = static_cast<uint16_t>(candidate + 1);
      return true;
    }
    ++candidate;
  } while (candidate != next_fanout_);
  return false;
}

void PacketDomain::end_fanout_locked(PacketFanout& fanout) {
  fanouts_.remove(fanout);
  dispose(stack_.hal(), &fanout);
}

// The sockets know the lock as their domain's.
void PacketDomain::network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event) NO_THREAD_SAFETY_ANALYSIS {
  PacketDomain& domain = static_cast<Observer&>(observer).domain;
  const bool is_end = event.kind == NetworkEvent::Kind::InterfaceRemoved;
  const bool is_down = is_end || event.kind == NetworkEvent::Kind::InterfaceDown;
  if (!is_down && event.kind != NetworkEvent::Kind::InterfaceUp) return;
  MutexLock lock(domain.mutex_);
  for (Member* member = domain.members_.front(); member != nullptr; member = domain.members_.next(*member)) {
    if (is_end) member->socket.forget_memberships(entry, *event.interface);
    if (is_down) member->socket.interface_down_locked(event.interface->index(), is_end);
    if (!is_down) member->socket.interface_up_locked(event.interface->index());
  }
}

void PacketDomain::report(void (*visit)(void* context, const PacketReport& report), void* context) NO_THREAD_SAFETY_ANALYSIS {
  MutexLock lock(mutex_);
  for (Member* member = members_.front(); member != nullptr; member = members_.next(*member)) {
    visit(context, member->socket.report_locked());
  }
}

}  // namespace lxnet

extern "C" int lxnet_enable_afpacket(lxnet_stack* c_stack) {
  using namespace lxnet;
  Stack& stack = *reinterpret_cast<Stack*>(c_stack);
  CompatState& state = CompatState::of(stack);
  PacketDomain* domain = construct<PacketDomain>(stack.hal(), stack);
  if (domain == nullptr) return -static_cast<int>(Errno::ENOMEM);
  auto added = state.add_family({.number = kFamilyPacket, .create = &PacketSocket::create, .create_pair = nullptr});
  if (!added.is_ok()) {
    dispose(stack.hal(), domain);
    return -static_cast<int>(added.error());
  }
  state.packet_domain = domain;
  state.destroy_packet_domain = [](const Hal& hal, void* object) { dispose(hal, static_cast<PacketDomain*>(object)); };
  return 0;
}
