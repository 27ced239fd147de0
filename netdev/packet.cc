// Packets: making, cloning, growing and cutting them. The layout is drawn in packet.hh.
//
// Every function that may fail does its allocations first or puts the packet back as it was.
#include "netdev/packet.hh"

#include <algorithm>
#include <bit>
#include <optional>

#include "netdev/packet_pool.hh"

namespace lxnet {
namespace {

// A clone copies this much of the front, so that both packets may rewrite their headers. The rest of the inline part is headroom.
constexpr size_t kClonedHeadroom = 128;
constexpr size_t kClonedFront = Packet::kInlineCapacity - kClonedHeadroom;

}  // namespace

// ---- making and ending

Result<Ref<Packet>> Packet::create(PacketPool& pool, size_t headroom) {
  ASSERT(headroom <= kInlineCapacity);
  void* memory = pool.take(PacketPool::kPacketClass);
  if (memory == nullptr) return Errno::ENOBUFS;
  Packet* packet = new (memory) Packet(pool);
  packet->use_inline(headroom);
  return Ref<Packet>::adopt(packet);
}

Result<Ref<Packet>> Packet::create_linear(PacketPool& pool, size_t capacity, size_t headroom) {
  if (capacity <= kInlineCapacity && headroom <= kInlineCapacity - capacity) return create(pool, headroom);
  if (capacity > UINT32_MAX / 2 || headroom > UINT32_MAX / 2) return Errno::ENOBUFS;
  Ref<DataBlock> block = TRY(DataBlock::create(pool, capacity + headroom));
  Ref<Packet> packet = TRY(create(pool, 0));
  packet->use_block(std::move(block), headroom);
  return packet;
}

void Packet::destroy(Packet* packet) {
  packet->orphan();
  Fragment* fragments = packet->fragment_array();
  for (size_t i = 0; i < packet->fragment_count_; ++i) fragments[i].~Fragment();
  PacketPool& pool = packet->pool_;
  packet->~Packet();
  pool.give(PacketPool::kPacketClass, packet);
}

Result<Ref<Packet>> Packet::clone() const {
  const uint8_t* front = lowest_mark();
  const size_t front_size = static_cast<size_t>(tail_ - front);
  const size_t copied = linear_block_ ? std::min(front_size, kClonedFront) : front_size;
  const bool cites_linear = copied < front_size;
  // Without a free fragment for the rest of the linear part, and where headers are deeper than the copy, all of it is copied.
  const bool copies_all = cites_linear && (fragment_count_ == kMaxFragments || highest_mark() > front + copied);
  const size_t linear_size = copies_all ? front_size : copied;
  const size_t room = linear_block_ ? kClonedHeadroom : static_cast<size_t>(front - storage_);
  Ref<Packet> packet = TRY(create_linear(pool_, linear_size, room));
  packet->copy_metadata(*this);
  memcpy(packet->data_, front, linear_size);
  packet->tail_ = packet->data_ + linear_size;
  packet->link_header_ = link_header_;
  packet->network_header_ = network_header_;
  packet->transport_header_ = transport_header_;
  packet->data_ += data_ - front;
  packet->shift_marks(data_);
  if (cites_linear && !copies_all) {
    const size_t offset = static_cast<size_t>(front + copied - linear_block_->bytes());
    packet->append_to_array(linear_block_, static_cast<uint32_t>(offset), static_cast<uint32_t>(front_size - copied));
  }
  for (const Fragment& fragment : fragments()) packet->append_to_array(fragment.block, fragment.offset, fragment.size);
  return packet;
}

void Packet::copy_metadata(const Packet& other) {
  interface_index = other.interface_index;
  mark = other.mark;
  priority = other.priority;
  flow_hash = other.flow_hash;
  flow = other.flow;
  flow_state = other.flow_state;
  wall_nanos = other.wall_nanos;
  departure = other.departure;
  link_protocol = other.link_protocol;
  checksum = other.checksum;
  segmentation = other.segmentation;
  segment_size = other.segment_size;
  segment_count = other.segment_count;
  checksum_start = other.checksum_start;
  checksum_offset = other.checksum_offset;
  is_link_broadcast = other.is_link_broadcast;
  is_link_multicast = other.is_link_multicast;
  is_for_other_host = other.is_for_other_host;
  is_looped = other.is_looped;
  is_routed_to_us = other.is_routed_to_us;
  is_routed_to_many = other.is_routed_to_many;
  is_routed_to_group = other.is_routed_to_group;
  has_own_link_header = other.has_own_link_header;
  memcpy(control_, other.control_, sizeof control_);
}

void Packet::set_owner(void* owner, Release release, uint32_t amount) {
  orphan();
  owner_ = owner;
  release_ = release;
  owned_amount_ = amount;
}

void Packet::release_owner() {
  const Release release = std::exchange(release_, nullptr);
  release(std::exchange(owner_, nullptr), std::exchange(owned_amount_, 0));
}

void Packet::give_owner_to(Packet& other) {
  other.transmit_stamps = std::exchange(transmit_stamps, uint8_t{0});
  other.stamp_key = stamp_key;
  if (release_ == nullptr) return;
  other.set_owner(owner_, release_, owned_amount_);
  release_ = nullptr;
  owner_ = nullptr;
  owned_amount_ = 0;
}

// ---- the linear part

void Packet::use_inline(size_t headroom) {
  storage_ = inline_;
  limit_ = inline_ + kInlineCapacity;
  data_ = tail_ = storage_ + headroom;
  true_size_ = std::max(true_size_, kCharge + kInlineCharge);
}

void Packet::use_block(Ref<DataBlock> block, size_t headroom) {
  linear_block_ = std::move(block);
  storage_ = linear_block_->bytes();
  limit_ = storage_ + linear_block_->capacity();
  data_ = tail_ = storage_ + headroom;
  true_size_ = std::max(true_size_, kCharge + linear_block_->capacity() + fragment_bytes_);
}

namespace {

constexpr size_t kHeadTail = 320, kPage = 4096;

// Of a frame of a page and more what one page holds stands in the head, the rest in blocks of pages (tun_alloc_skb).
size_t size_of_head(size_t size, size_t room) { return size + room < kPage ? size : std::min(size, kPage - room - kHeadTail); }

size_t size_of_pages(size_t size) {
  size_t block = kPage << 3, total = 0;
  while (size != 0) {
    while (block > kPage && ((size + kPage - 1) & ~(kPage - 1)) < block) block /= 2;
    total += block;
    size -= std::min(size, block);
  }
  return total;
}

}  // namespace

// Linux's socket buffers: the head of its own size for the small ones, else the allocator's powers of two, each with the bytes of
// its bookkeeping at the end.
uint32_t Packet::charge_of(size_t bytes) {
  const size_t needed = ((bytes + 63) & ~size_t{63}) + kHeadTail;
  if (needed <= kInlineCharge) return kCharge + kInlineCharge;
  return static_cast<uint32_t>(kCharge + std::bit_ceil(needed));
}

void Packet::charge_for_frame(size_t size, size_t room) {
  const size_t linear = size_of_head(size, room);
  true_size_ = charge_of(linear + room) + static_cast<uint32_t>(size_of_pages(size - linear));
}

// What a head of such a charge holds behind `used` bytes; one with pages takes no more.
size_t Packet::spare_of_head(size_t used) const {
  const size_t taken = kCharge + kHeadTail + kFrameRoom + used;
  return fragments().empty() && used + kFrameRoom < kPage && true_size_ > taken ? true_size_ - taken : 0;
}

// Where the bytes worth keeping begin: at the front, or at a header consumed before it.
const uint8_t* Packet::lowest_mark() const {
  const uint8_t* lowest = data_;
  for (const uint8_t* mark : {link_header_, network_header_, transport_header_}) {
    if (mark != nullptr && mark < lowest && mark >= storage_) lowest = mark;
  }
  return lowest;
}

const uint8_t* Packet::highest_mark() const {
  const uint8_t* highest = data_;
  for (const uint8_t* mark : {link_header_, network_header_, transport_header_}) {
    if (mark != nullptr && mark > highest && mark <= tail_) highest = mark;
  }
  return highest;
}

// The front moved from old_data to data_, and the bytes around it with it.
void Packet::shift_marks(uint8_t* old_data) {
  for (uint8_t** mark : {&link_header_, &network_header_, &transport_header_}) {
    if (*mark != nullptr) *mark = data_ + (*mark - old_data);
  }
}

// Gives the linear part a place of its own with this much room around it; consumed headers that are marked move along.
Result<> Packet::move_linear(size_t headroom, size_t tailroom) {
  const uint8_t* front = lowest_mark();
  const size_t before = static_cast<size_t>(data_ - front);
  const size_t kept = static_cast<size_t>(tail_ - front);
  const size_t room = std::max(headroom, before);
  const size_t linear_size = static_cast<size_t>(tail_ - data_);
  const size_t capacity = linear_size + tailroom;
  uint8_t* const old_data = data_;
  if (room <= kInlineCapacity && capacity <= kInlineCapacity - room) {
    memmove(inline_ + room - before, front, kept);
    use_inline(room);
    linear_block_ = nullptr;
  } else {
    Ref<DataBlock> block = TRY(DataBlock::create(pool_, room + capacity));
    memcpy(block->bytes() + room - before, front, kept);
    use_block(std::move(block), room);
  }
  tail_ = data_ + linear_size;
  shift_marks(old_data);
  return ok();
}

Result<> Packet::move_for_headroom(size_t size) {
  if (size > UINT32_MAX / 2) return Errno::ENOBUFS;
  return move_linear(size, 0);
}

Result<> Packet::make_writable(size_t size) {
  if (is_linear_shared()) TRY(move_linear(headroom(), tailroom()));
  return pull_up(size);
}

void Packet::consume_fragments(size_t size) {
  ASSERT(size <= this->size());
  const size_t linear_size = static_cast<size_t>(tail_ - data_);
  data_ = tail_;
  drop_front_fragments(size - linear_size);
}

Result<> Packet::pull_up_fragments(size_t size) {
  const size_t linear_size = static_cast<size_t>(tail_ - data_);
  if (size > this->size()) return Errno::EINVAL;
  const size_t missing = size - linear_size;
  if (tailroom() < missing) TRY(move_linear(std::min(headroom(), kDefaultHeadroom), missing));
  tail_ += read(linear_size, MutableByteSpan(tail_, missing));
  drop_front_fragments(missing);
  return ok();
}

// ---- the fragments

void Packet::append_to_array(Ref<DataBlock> block, uint32_t offset, uint32_t size) {
  new (fragment_array() + fragment_count_) Fragment{.block = std::move(block), .offset = offset, .size = size};
  ++fragment_count_;
  fragment_bytes_ += size;
  true_size_ += size;
}

void Packet::drop_front_fragments(size_t size) {
  Fragment* fragments = fragment_array();
  fragment_bytes_ -= static_cast<uint32_t>(size);
  size_t gone = 0;
  while (size != 0 && size >= fragments[gone].size) size -= fragments[gone++].size;
  if (size != 0) {
    fragments[gone].offset += static_cast<uint32_t>(size);
    fragments[gone].size -= static_cast<uint32_t>(size);
  }
  if (gone == 0) return;
  for (size_t i = gone; i < fragment_count_; ++i) fragments[i - gone] = std::move(fragments[i]);
  for (size_t i = fragment_count_ - gone; i < fragment_count_; ++i) fragments[i].~Fragment();
  fragment_count_ = static_cast<uint8_t>(fragment_count_ - gone);
}

Result<> Packet::append_fragment(Ref<DataBlock> block, uint32_t offset, uint32_t size) {
  ASSERT(offset <= block->capacity() && size <= block->capacity() - offset);
  if (size == 0) return ok();
  if (fragment_count_ != 0) {
    Fragment& last = fragment_array()[fragment_count_ - 1];
    if (last.block == block && last.offset + last.size == offset) {
      last.size += size;
      fragment_bytes_ += size;
      true_size_ += size;
      return ok();
    }
  }
  if (fragment_count_ == kMaxFragments) return Errno::ENOBUFS;
  append_to_array(std::move(block), offset, size);
  return ok();
}

// Copies what fits behind the last bytes of the packet: the tailroom, or the rest of a last block that nobody else cites.
size_t Packet::fill_last_block(ByteSpan bytes) {
  if (fragment_count_ == 0) {
    const size_t copied = copy_bytes(MutableByteSpan(tail_, limit_), bytes);
    tail_ += copied;
    return copied;
  }
  Fragment& last = fragment_array()[fragment_count_ - 1];
  if (!last.block->is_unique()) return 0;
  const size_t end = size_t{last.offset} + last.size;
  const size_t copied = copy_bytes(MutableByteSpan(last.block->bytes() + end, last.block->capacity() - end), bytes);
  last.size += static_cast<uint32_t>(copied);
  fragment_bytes_ += static_cast<uint32_t>(copied);
  true_size_ += static_cast<uint32_t>(copied);
  return copied;
}

Result<> Packet::append_copy(ByteSpan bytes) {
  const size_t old_size = size();
  const uint32_t old_true_size = true_size_;
  bytes = bytes.subspan(fill_last_block(bytes));
  while (!bytes.empty()) {
    constexpr size_t kLargestPiece = 32768;
    auto block = fragment_count_ == kMaxFragments ? Result<Ref<DataBlock>>(Errno::ENOBUFS)
                                                  : DataBlock::create(pool_, std::min(bytes.size(), kLargestPiece));
    if (!block.is_ok()) {
      restore_end(old_size, old_true_size);
      return block.error();
    }
    append_to_array(block.take(), 0, 0);
    bytes = bytes.subspan(fill_last_block(bytes));
  }
  return ok();
}

Result<> Packet::append_from(const Packet& other, size_t offset, size_t size) {
  ASSERT(&other != this);
  if (offset > other.size() || size > other.size() - offset) return Errno::EINVAL;
  const size_t old_size = this->size();
  const uint32_t old_true_size = true_size_;
  std::optional<Errno> failure;
  const auto append_run = [&](const Ref<DataBlock>& block, ByteSpan run) {
    const size_t skipped = std::min(offset, run.size());
    offset -= skipped;
    run = run.subspan(skipped);
    run = run.first(std::min(size, run.size()));
    if (run.empty() || failure) return;
    size -= run.size();
    auto appended =
        block ? append_fragment(block, static_cast<uint32_t>(run.data() - block->bytes()), static_cast<uint32_t>(run.size()))
              : append_copy(run);
    if (!appended.is_ok()) failure = appended.error();
  };
  append_run(other.linear_block_, other.linear());
  for (const Fragment& fragment : other.fragments()) append_run(fragment.block, fragment.bytes());
  if (!failure) return ok();
  restore_end(old_size, old_true_size);
  return *failure;
}

void Packet::restore_end(size_t size, uint32_t true_size) {
  trim(size);
  true_size_ = true_size;
}

void Packet::cut_end(size_t size) {
  ASSERT(size <= this->size());
  size_t excess = this->size() - size;
  Fragment* fragments = fragment_array();
  while (excess != 0 && fragment_count_ != 0) {
    Fragment& last = fragments[fragment_count_ - 1];
    const size_t cut = std::min<size_t>(excess, last.size);
    excess -= cut;
    fragment_bytes_ -= static_cast<uint32_t>(cut);
    last.size -= static_cast<uint32_t>(cut);
    if (last.size != 0) return;
    last.~Fragment();
    --fragment_count_;
  }
  if (excess == 0) return;
  tail_ -= excess;
  // What was cut off may be cited by a clone: it is no room to write to.
  if (is_linear_shared()) limit_ = tail_;
}

size_t Packet::read(size_t offset, MutableByteSpan to) const {
  size_t copied = 0;
  for_each_run(offset, to.size(), [&](ByteSpan run) { copied += copy_bytes(to.subspan(copied), run); });
  return copied;
}

}  // namespace lxnet
