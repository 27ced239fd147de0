// A socket and its ring (packet_set_ring, packet_mmap).
#include "compat/afpacket/packet_socket.hh"
#include "compat/afpacket/packet_status.hh"

namespace lxnet {

// Both rings lie in one piece of memory, the receiving one first: `added` bytes more, or, when one goes, what is left moves to
// the front. No tap reaches the socket meanwhile, as Linux takes it off the network for that.
template <typename Change>
Result<> PacketSocket::change_rings_locked(size_t added, Change change) {
  const auto total = [&]() REQUIRES(domain_.mutex()) {
    return (ring_ ? ring_->size() : 0) + (send_ring_ ? send_ring_->size() : 0);
  };
  const size_t before = total();
  Ref<RingMemory> memory = ring_memory_;
  if (added != 0) memory = TRY(RingMemory::create(hal(), before + added));
  const bool was_running = is_running_;
  if (was_running) unhook_locked();
  change();
  // From the back: what stood in front may have to make room.
  if (send_ring_) send_ring_->place(memory, ring_ ? ring_->size() : 0);
  if (ring_) ring_->place(memory, 0);
  const size_t after = total();
  ring_memory_ = after != 0 ? std::move(memory) : nullptr;
  domain_.change_ring_bytes_locked(after, before);
  if (was_running) hook_locked();
  return ok();
}

// Else the one there is shall go.
Result<bool> PacketSocket::asks_for_ring_locked(const RingRequest& request, bool has_one) const {
  if (ring_mappings_ != 0) return Errno::EBUSY;
  if (request.block_count != 0) return has_one ? Result<bool>(Errno::EBUSY) : Result<bool>(true);
  return request.frame_count != 0 ? Result<bool>(Errno::EINVAL) : Result<bool>(false);
}

Result<> PacketSocket::set_ring(Entry& entry, const RingRequest& request) {
  TaskMutexLock sending(sending_, entry);
  MutexLock lock(domain_.mutex());
  Ref<PacketRing> ring;
  if (TRY(asks_for_ring_locked(request, bool{ring_}))) {
    ring = TRY(PacketRing::create(stack(), ring_version_, ring_reserve_, request, domain_.ring_room_locked()));
  }
  return change_rings_locked(ring ? ring->size() : 0, [&]() REQUIRES(domain_.mutex()) {
    std::swap(ring_, ring);
    if (ring) ring->tell(nullptr);
    inbox_.clear();
    if (ring_) ring_->tell(&waiters_);
  });
}

Result<> PacketSocket::set_send_ring(Entry& entry, const RingRequest& request) {
  TaskMutexLock sending(sending_, entry);
  MutexLock lock(domain_.mutex());
  Ref<SendRing> ring;
  if (TRY(asks_for_ring_locked(request, bool{send_ring_}))) {
    ring = TRY(SendRing::create(hal(), ring_version_, ring_reserve_, request, domain_.ring_room_locked()));
  }
  return change_rings_locked(ring ? ring->size() : 0, [&]() REQUIRES(domain_.mutex()) {
    std::swap(send_ring_, ring);
    __atomic_store_n(&has_send_ring_, bool{send_ring_}, __ATOMIC_RELAXED);
  });
}

Result<> PacketSocket::set_ring_version(RingVersion version) {
  MutexLock lock(domain_.mutex());
  if (has_rings_locked()) return Errno::EBUSY;
  ring_version_ = version;
  return ok();
}

Result<> PacketSocket::set_ring_reserve(uint32_t bytes) {
  MutexLock lock(domain_.mutex());
  if (has_rings_locked()) return Errno::EBUSY;
  ring_reserve_ = bytes;
  return ok();
}

Result<> PacketSocket::set_virtual_header(uint32_t size) {
  MutexLock lock(domain_.mutex());
  if (has_rings_locked()) return Errno::EBUSY;
  packet_options_.virtual_header = size;
  return ok();
}

bool PacketSocket::set_without_rings(Relaxed<bool>& flag, bool value) {
  MutexLock lock(domain_.mutex());
  if (has_rings_locked()) return false;
  flag = value;
  return true;
}

RingVersion PacketSocket::ring_version() {
  MutexLock lock(domain_.mutex());
  return ring_version_;
}

uint32_t PacketSocket::ring_reserve() {
  MutexLock lock(domain_.mutex());
  return ring_reserve_;
}

PacketStatistics PacketSocket::take_statistics() {
  PacketStatistics taken = inbox_.take_statistics();
  MutexLock lock(domain_.mutex());
  if (ring_) taken.frozen = ring_->take_frozen();
  return taken;
}

bool PacketSocket::ring_has_frames() {
  MutexLock lock(domain_.mutex());
  return ring_ && ring_->has_frames();
}

bool PacketSocket::send_ring_has_room() {
  MutexLock lock(domain_.mutex());
  return send_ring_ && send_ring_->has_room();
}

void* PacketSocket::map_rings(uint64_t size) {
  MutexLock lock(domain_.mutex());
  const size_t whole = (ring_ ? ring_->size() : 0) + (send_ring_ ? send_ring_->size() : 0);
  if (whole == 0 || whole != size) return nullptr;
  ++ring_mappings_;
  return ring_memory_->bytes();
}

void PacketSocket::unmap_rings() {
  MutexLock lock(domain_.mutex());
  if (ring_mappings_ != 0) --ring_mappings_;
}

bool PacketSocket::deliver_to_ring(const FrameView& view, ViewFrom from, size_t kept) {
  const uint32_t virtual_header = from == ViewFrom::LinkHeader ? packet_options_.virtual_header.load() : 0;
  RingFrame frame{.view = view,
                  .from = from,
                  .kept = static_cast<uint32_t>(kept),
                  .virtual_header = virtual_header,
                  .wall_nanos = hal().wall_nanos(),
                  .is_losing = inbox_.has_drops()};
  frame.is_copied = packet_options_.copy_threshold != 0 && inbox_.has_room(options_.receive_buffer.load()) && ring_->cuts(frame);
  if (!ring_->put(frame)) {
    waiters_.wake(kPollIn | kPollReadNormal);
    return false;
  }
  inbox_.count_packet();
  if (frame.is_copied) deliver_to_inbox(view, from, kept, IsCounted::No);
  return true;
}

}  // namespace lxnet

extern "C" {

int lxnet_packet_ring_map(lxnet_file* c_file, uint64_t size, void** memory) {
  using namespace lxnet;
  File* file = File::from_c(c_file);
  if (file->kind() != FileKind::Socket || static_cast<SocketFile*>(file)->address_family() != kFamilyPacket)
    return -static_cast<int>(Errno::ENODEV);
  *memory = static_cast<PacketSocket*>(file)->map_rings(size);
  return *memory == nullptr ? -static_cast<int>(Errno::EINVAL) : 0;
}

void lxnet_packet_ring_unmap(lxnet_file* c_file) {
  using namespace lxnet;
  static_cast<PacketSocket*>(File::from_c(c_file))->unmap_rings();
}

}  // extern "C"
