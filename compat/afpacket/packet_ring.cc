// Making rings, and the frames of TPACKET_V1 and V2 (packet_set_ring, tpacket_rcv).
#include "compat/afpacket/packet_ring.hh"

#include "compat/afpacket/packet_ring_layout.hh"
#include "compat/afpacket/packet_status.hh"
#include "compat/afpacket/virtual_header.hh"
#include "stack/stack.hh"

namespace lxnet {
Result<Ref<PacketRing>> PacketRing::create(Stack& stack, RingVersion version, uint32_t reserve, const RingRequest& request,
                                           size_t room) {
  TRY(check_ring(version, reserve, request, room));
  return make_ref<PacketRing>(stack.hal(), stack, version, reserve, request);
}

void PacketRing::place(Ref<RingMemory> memory, size_t at) {
  const bool is_first = memory_ == nullptr;
  if (!is_first) memmove(memory->bytes() + at, memory_, size());
  memory_ = memory->bytes() + at;
  owner_ = std::move(memory);
  if (!is_first || version_ != RingVersion::V3) return;
  MutexLock lock(mutex_);
  open_block_locked();
}

void PacketRing::destroy(PacketRing* ring) { dispose(ring->stack_.hal(), ring); }

PacketRing::PacketRing(Stack& stack, RingVersion version, uint32_t reserve, const RingRequest& request)
    : stack_(stack),
      version_(version),
      reserve_(reserve),
      request_(request),
      mutex_(stack.hal(), LockRank::ErrorQueue),
      timer_(*this, &retire_timer_expired) {}

PacketRing::~PacketRing() { stack_.timers().cancel(timer_); }

void PacketRing::tell(WaitQueue* waiters) {
  MutexLock lock(mutex_);
  waiters_ = waiters;
  if (waiters == nullptr) {
    stack_.timers().cancel(timer_);
  } else if (version_ == RingVersion::V3) {
    retire_locked();
  }
}

uint32_t PacketRing::take_frozen() {
  MutexLock lock(mutex_);
  return std::exchange(frozen_, 0u);
}

uint8_t* PacketRing::slot_locked(uint32_t index) const {
  const uint32_t per_block = request_.block_size / request_.frame_size;
  return block_at(index / per_block) + size_t{index % per_block} * request_.frame_size;
}

// The word that says whose it is: a long of the first version, an int of the second.
uint64_t PacketRing::load_status(const uint8_t* frame) const {
  if (version_ == RingVersion::V1) return __atomic_load_n(reinterpret_cast<const uint64_t*>(frame), __ATOMIC_ACQUIRE);
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(frame), __ATOMIC_ACQUIRE);
}

bool PacketRing::put(const RingFrame& frame) {
  MutexLock lock(mutex_);
  return version_ == RingVersion::V3 ? put_in_block_locked(frame) : put_in_slot_locked(frame);
}

bool PacketRing::has_frames() {
  MutexLock lock(mutex_);
  if (version_ == RingVersion::V3) {
    const uint32_t previous = head_ == 0 ? request_.block_count - 1 : head_ - 1;
    return is_users(previous) || is_frozen_;
  }
  return load_status(slot_locked(head_ == 0 ? request_.frame_count - 1 : head_ - 1)) != kStatusKernel;
}

bool PacketRing::has_room() {
  MutexLock lock(mutex_);
  return version_ == RingVersion::V3 ? !is_frozen_ : load_status(slot_locked(head_)) == kStatusKernel;
}

// Where the link header and the network header lie. What does not fit in `room` is cut off.
PacketRing::Layout PacketRing::lay_out(const RingFrame& frame, size_t room) const {
  const size_t header = ring_align(ring_header_size(version_)) + sizeof(LinkAddress);
  Layout layout{.kept = frame.kept};
  size_t network = 0, link = 0;
  if (frame.from == ViewFrom::NetworkHeader) {
    network = link = ring_align(header) + 16 + reserve_;
  } else {
    const size_t link_size = frame.view.header_size();
    network = ring_align(header + (link_size < 16 ? 16 : link_size)) + reserve_ + frame.virtual_header;
    link = network - link_size;
    layout.virtual_header = frame.virtual_header;
  }
  layout.fits = network <= UINT16_MAX;
  layout.network_at = static_cast<uint32_t>(network);
  layout.link_at = static_cast<uint32_t>(link);
  if (link + frame.kept <= room) return layout;
  layout.kept = link < room ? static_cast<uint32_t>(room - link) : 0;
  if (link > room) {
    layout.virtual_header = 0;
    if (version_ == RingVersion::V3) layout.link_at = static_cast<uint32_t>(room);
  }
  return layout;
}

bool PacketRing::put_in_slot_locked(const RingFrame& frame) {
  const Layout layout = lay_out(frame, request_.frame_size);
  uint8_t* slot = slot_locked(head_);
  if (!layout.fits || load_status(slot) != kStatusKernel) return false;
  head_ = head_ + 1 == request_.frame_count ? 0 : head_ + 1;
  write_frame(slot, frame, layout);
  const uint32_t status =
      frame.view.status() | kStatusSoftwareStamp | (frame.is_losing ? kStatusLosing : 0u) | (frame.is_copied ? kStatusCopy : 0u);
  if (version_ == RingVersion::V1) {
    __atomic_store_n(reinterpret_cast<uint64_t*>(slot), uint64_t{status}, __ATOMIC_RELEASE);
  } else {
    __atomic_store_n(reinterpret_cast<uint32_t*>(slot), status, __ATOMIC_RELEASE);
  }
  if (waiters_ != nullptr) waiters_->wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
  return true;
}

void PacketRing::write_address(uint8_t* at, const RingFrame& frame) const {
  LinkAddress sender = frame.view.sender();
  sender.family = 17;  // AF_PACKET
  sender.protocol.set(frame.view.protocol());
  memcpy(at, &sender, sizeof sender);
}

// All but the word that says whose it is.
void PacketRing::write_frame(uint8_t* at, const RingFrame& frame, const Layout& layout) {
  const auto size = static_cast<uint32_t>(frame.view.size(frame.from));
  const auto link = static_cast<uint16_t>(layout.link_at), network = static_cast<uint16_t>(layout.network_at);
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  const auto seconds = static_cast<uint32_t>(frame.wall_nanos / kNanosPerSecond);
  const auto nanos = static_cast<uint32_t>(frame.wall_nanos % kNanosPerSecond);
  const VlanTagSeen& tag = frame.view.tag();
  frame.view.read(frame.from, 0, MutableByteSpan(at + layout.link_at, layout.kept));
  if (layout.virtual_header != 0) {
    const VirtualHeader header = virtual_header_of(frame.view.frame(), frame.view.header_size(), frame.view.status());
    memcpy(at + layout.link_at - sizeof header, &header, sizeof header);
  }
  switch (version_) {
    case RingVersion::V1: {
      const RingHeader1 header{0, size, layout.kept, link, network, seconds, nanos / 1000};
      memcpy(at + sizeof header.status, reinterpret_cast<const uint8_t*>(&header) + sizeof header.status,
             sizeof header - sizeof header.status);
      break;
    }
    case RingVersion::V2: {
      const RingHeader2 header{0, size, layout.kept, link, network, seconds, nanos, tag.control, tag.protocol, {}};
      memcpy(at + sizeof header.status, reinterpret_cast<const uint8_t*>(&header) + sizeof header.status,
             sizeof header - sizeof header.status);
      break;
    }
    case RingVersion::V3: {
      RingHeader3 header{};
      header.seconds = seconds;
      header.nanos = nanos;
      header.kept = layout.kept;
      header.size = size;
      header.status = frame.view.status() | kStatusSoftwareStamp;
      header.link_at = link;
      header.network_at = network;
      header.vlan_control = tag.control;
      header.vlan_protocol = tag.protocol;
      if ((request_.features & 1) != 0) header.hash = frame.view.frame().flow_hash;
      memcpy(at, &header, sizeof header);
      break;
    }
  }
  write_address(at + ring_align(ring_header_size(version_)), frame);
}

}  // namespace lxnet
