// TPACKET_V3: blocks (prb_*).
#include "compat/afpacket/packet_ring.hh"
#include "compat/afpacket/packet_ring_layout.hh"
#include "compat/afpacket/packet_status.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr uint32_t kUsualRetireMillis = 8, kBlockVersion = 2;
constexpr size_t kFrameAlignment = 8;

uint32_t* status_of(uint8_t* block) { return reinterpret_cast<uint32_t*>(block + offsetof(RingBlock, status)); }

}  // namespace

uint32_t PacketRing::data_offset() const { return static_cast<uint32_t>(block_data_offset(request_.private_size)); }

bool PacketRing::is_users(uint32_t block) const {
  return (__atomic_load_n(status_of(block_at(block)), __ATOMIC_ACQUIRE) & kStatusUser) != 0;
}

void PacketRing::open_block_locked() {
  const int64_t now = stack_.hal().wall_nanos();
  RingBlock block{};
  block.version = kBlockVersion;
  block.private_at = sizeof(RingBlock);
  block.first_at = block.used = data_offset();
  block.sequence = sequence_++;
  block.first_seconds = static_cast<uint32_t>(now / kNanosPerSecond);
  block.first_nanos = static_cast<uint32_t>(now % kNanosPerSecond);
  memcpy(block_at(head_), &block, sizeof block);
  used_ = data_offset();
  count_ = 0;
  last_stamp_ = now;
  is_frozen_ = false;
}

// Hands it to the program and goes on to the next, which may be the program's still.
void PacketRing::close_block_locked(uint32_t why) {
  uint8_t* at = block_at(head_);
  const uint32_t end = 0;
  if (count_ != 0) memcpy(at + last_at_ + offsetof(RingHeader3, next_at), &end, sizeof end);
  const int64_t last = count_ != 0 ? last_stamp_ : stack_.hal().wall_nanos();
  const uint32_t stamp[2] = {static_cast<uint32_t>(last / kNanosPerSecond), static_cast<uint32_t>(last % kNanosPerSecond)};
  memcpy(at + offsetof(RingBlock, last_seconds), stamp, sizeof stamp);
  memcpy(at + offsetof(RingBlock, count), &count_, sizeof count_);
  memcpy(at + offsetof(RingBlock, used), &used_, sizeof used_);
  __atomic_store_n(status_of(at), kStatusUser | why, __ATOMIC_RELEASE);
  head_ = head_ + 1 == request_.block_count ? 0 : head_ + 1;
  if (waiters_ != nullptr) waiters_->wake(kPollIn | kPollPriority | kPollReadNormal | kPollReadBand);
}

bool PacketRing::open_next_block_locked() {
  if (!is_users(head_)) {
    open_block_locked();
    return true;
  }
  if (!is_frozen_) ++frozen_;
  is_frozen_ = true;
  return false;
}

bool PacketRing::put_in_block_locked(const RingFrame& frame) {
  const uint32_t most = request_.block_size - data_offset();
  const Layout layout = lay_out(frame, most);
  if (!layout.fits) return false;
  const auto needed = static_cast<uint32_t>((layout.link_at + layout.kept + kFrameAlignment - 1) & ~(kFrameAlignment - 1));
  if (is_frozen_ && !open_next_block_locked()) return false;
  if (used_ + needed > request_.block_size) {
    close_block_locked(0);
    if (!open_next_block_locked()) return false;
    if (used_ + needed > request_.block_size) return false;
  }
  uint8_t* at = block_at(head_) + used_;
  write_frame(at, frame, layout);
  memcpy(at + offsetof(RingHeader3, next_at), &needed, sizeof needed);
  last_at_ = used_;
  last_stamp_ = frame.wall_nanos;
  used_ += needed;
  ++count_;
  return true;
}

// Closes a block that holds frames and was open a whole period.
void PacketRing::retire_locked() {
  if (is_frozen_) {
    static_cast<void>(open_next_block_locked());
  } else if (seen_by_timer_ == sequence_ && count_ != 0) {
    close_block_locked(kStatusBlockTimeout);
    static_cast<void>(open_next_block_locked());
  }
  seen_by_timer_ = sequence_;
  const uint32_t millis = request_.retire_millis == 0 ? kUsualRetireMillis : request_.retire_millis;
  stack_.timers().arm(timer_, stack_.hal().now() + Duration::millis(millis));
}

void PacketRing::retire_timer_expired(Entry&, Timer& timer) {
  PacketRing& ring = OwnedTimer<PacketRing>::owner_of(timer);
  MutexLock lock(ring.mutex_);
  if (timer.claim() && ring.waiters_ != nullptr) ring.retire_locked();
}

}  // namespace lxnet
