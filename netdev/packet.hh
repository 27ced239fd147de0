// Packet: one frame, datagram or segment on its way through the stack.
//
//     storage_                 data_              tail_            limit_
//        |<----- headroom ------>|<-- linear data -->|<-- tailroom -->|      then fragments, by reference:
//        |   push_header() takes |  consume() and    | append() takes |      [block, offset, size] x kMaxFragments
//        |   from here  <------  |  pull_up() here   | from here ---> |
//
// The linear part is inside the Packet (kInlineCapacity bytes: all headers, and the payload of a small datagram) or in a
// DataBlock of its own (a frame as a driver received it). Payload beyond it lies in fragments that refer to counted DataBlocks,
// so that data copied in from a user once is cited by every transmission and every receiver until it is copied out once.
//
// Rules kept: push_header() and consume() are the only ways the front moves. Bytes that two packets cite are never written: the
// front of a clone is its own copy, and make_writable() is asked before anything deeper is changed in place. A packet has one
// owner at a time; clone() makes a second packet that cites the same blocks.
#pragma once

#include <array>
#include <new>
#include <type_traits>

#include "base/bytes.hh"
#include "base/list.hh"
#include "base/ref.hh"
#include "base/result.hh"
#include "base/time.hh"
#include "netdev/packet_flow.hh"

namespace lxnet {

class NetDevice;
class PacketPool;

// A counted run of bytes. A byte is written before a second holder can see it, then read only.
class alignas(16) DataBlock : public RefCounted<DataBlock> {
 public:
  // At least `capacity` bytes: the pool rounds up to a size class, and all of it may be used. ENOBUFS without memory.
  static Result<Ref<DataBlock>> create(PacketPool& pool, size_t capacity);
  static void destroy(DataBlock* block);

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  uint32_t capacity() const { return capacity_; }
  // As Packet's.
  [[nodiscard]] bool unref() const { return is_unique() || RefCounted::unref(); }

 private:
  friend class PacketPool;
  DataBlock(PacketPool& pool, uint32_t capacity) : pool_(pool), capacity_(capacity) {}

  PacketPool& pool_;
  uint32_t capacity_;
};

struct Fragment {
  Ref<DataBlock> block;
  uint32_t offset = 0;
  uint32_t size = 0;

  ByteSpan bytes() const { return ByteSpan(block->bytes() + offset, size); }
};

// What is known of the transport checksum.
enum class ChecksumState : uint8_t {
  Unknown,   // received: to be verified. To send: complete already
  Verified,  // received: right, or from loopback where nothing can have changed it
  Partial,   // to send: the field holds the pseudo-header sum; sum from checksum_start and store at + checksum_offset
};

// How a packet larger than the wire's is to be cut.
enum class SegmentationKind : uint8_t { None, Tcp, Udp };

struct ReceiverHashes {
  uint64_t flow = 0, bound = 0, anywhere = 0;
};

class alignas(64) Packet : public RefCounted<Packet> {
 public:
  static constexpr size_t kInlineCapacity = 320;
  static constexpr size_t kDefaultHeadroom = 128;  // Ethernet + VLAN + IPv6 + 64 bytes of options, rounded up
  static constexpr size_t kMaxFragments = 18;      // 64 KiB in 4 KiB blocks, and the ends
  static constexpr size_t kControlSize = 112;
  // What true_size() counts for the packet itself and for an inline linear part: Linux's for its smallest buffer, 832 together,
  // so that as many datagrams fit into an SO_RCVBUF here as there.
  static constexpr uint32_t kCharge = 256;
  static constexpr uint32_t kInlineCharge = 576;

  // An empty packet with an inline linear part.
  static Result<Ref<Packet>> create(PacketPool& pool, size_t headroom = kDefaultHeadroom);
  // An empty packet whose linear part holds `capacity` bytes behind `headroom`, inline if that fits.
  static Result<Ref<Packet>> create_linear(PacketPool& pool, size_t capacity, size_t headroom = kDefaultHeadroom);
  static void destroy(Packet* packet);
  // Same bytes, same metadata, no owner. The front (all headers) is copied, so both packets may push and rewrite headers; the
  // rest is cited. ENOBUFS without memory.
  Result<Ref<Packet>> clone() const;

  PacketPool& pool() const { return pool_; }
  // Nobody finds a packet but through a count, so who holds the only one need not say that it goes.
  [[nodiscard]] bool unref() const { return is_unique() || RefCounted::unref(); }

  // ---- bytes
  size_t size() const { return static_cast<size_t>(tail_ - data_) + fragment_bytes_; }
  bool is_empty() const { return size() == 0; }
  ByteSpan linear() const { return ByteSpan(data_, tail_); }
  MutableByteSpan mutable_linear() { return MutableByteSpan(data_, tail_); }
  size_t headroom() const { return static_cast<size_t>(data_ - storage_); }
  size_t tailroom() const { return static_cast<size_t>(limit_ - tail_); }
  std::span<const Fragment> fragments() const { return {fragment_array(), fragment_count_}; }

  // The new front, uninitialised. The headroom must suffice: ask ensure_headroom() where it may not.
  MutableByteSpan push_header(size_t size) {
    ASSERT(headroom() >= size);
    data_ -= size;
    return MutableByteSpan(data_, size);
  }
  template <typename Header>
  Header& push_header() {
    static_assert(alignof(Header) == 1);
    return *new (push_header(sizeof(Header)).data()) Header();
  }
  // Headroom of `size` bytes that nobody else cites; moves the linear part if need be. ENOBUFS without memory.
  Result<> ensure_headroom(size_t size) {
    if (headroom() >= size && !is_linear_shared()) [[likely]]
      return ok();
    return move_for_headroom(size);
  }
  // Makes the first `size` bytes linear and this packet's own, so that they may be changed in place.
  Result<> make_writable(size_t size);
  // Drops `size` bytes from the front; size <= size().
  void consume(size_t size) {
    if (size <= linear().size()) [[likely]] {
      data_ += size;
      return;
    }
    consume_fragments(size);
  }
  // Makes the first `size` bytes linear. EINVAL when the packet is shorter, ENOBUFS without memory.
  Result<> pull_up(size_t size) {
    if (size <= linear().size()) [[likely]]
      return ok();
    return pull_up_fragments(size);
  }
  // The first bytes, made linear, as T::parse() sees them. The header stays in place until consume().
  template <typename Header>
  Result<const Header*> header() {
    TRY(pull_up(sizeof(Header)));
    return Header::parse(linear());
  }
  // Grows the linear part at its end, uninitialised; only while there are no fragments and the tailroom suffices.
  MutableByteSpan append(size_t size) {
    ASSERT(fragment_count_ == 0 && tailroom() >= size);
    MutableByteSpan room(tail_, size);
    tail_ += size;
    return room;
  }
  // Continues the last fragment if the bytes follow it in the same block. ENOBUFS when all fragments are used.
  Result<> append_fragment(Ref<DataBlock> block, uint32_t offset, uint32_t size);
  // Copies bytes to the end: into the tailroom, then into blocks of its own. ENOBUFS without memory; then nothing was appended.
  Result<> append_copy(ByteSpan bytes);
  // Appends bytes [offset, offset + size) of another packet by reference (an inline part is copied). EINVAL when it has fewer;
  // ENOBUFS without memory or fragments. On an error nothing was appended.
  Result<> append_from(const Packet& other, size_t offset, size_t size);
  // Cuts the end off so that `size` bytes are left.
  void trim(size_t size) {
    if (size != this->size()) [[unlikely]]
      cut_end(size);
  }
  // Copies from `offset`; the number of bytes copied is limited by both.
  size_t read(size_t offset, MutableByteSpan to) const;
  // Calls visit(ByteSpan) for each run of [offset, offset + size), in order.
  template <typename Visitor>
  void for_each_run(size_t offset, size_t size, Visitor&& visit) const;

  // ---- headers passed on the way: absolute positions, valid while the linear part is not reallocated
  void mark_link_header() { link_header_ = data_; }
  void mark_network_header() { network_header_ = data_; }
  void mark_transport_header() { transport_header_ = data_; }
  uint8_t* link_header() const { return link_header_; }
  uint8_t* network_header() const { return network_header_; }
  uint8_t* transport_header() const { return transport_header_; }
  // Moves the front back to a header that was consumed and is still linear.
  void restore_front(uint8_t* header) {
    ASSERT(header >= storage_ && header <= data_);
    data_ = header;
  }

  // ---- memory
  // What the packet costs: itself, its linear part and the bytes it cites. It grows with the packet and never shrinks. This is
  // what socket buffers are charged, through set_owner(), which remembers the amount.
  uint32_t true_size() const { return true_size_; }
  // What Linux charges for a buffer of that many bytes.
  static uint32_t charge_of(size_t bytes);
  // From a device, before anything is appended: what Linux charges for a frame of that size.
  static constexpr size_t kFrameRoom = 64;  // before it
  void charge_for_frame(size_t size, size_t room = kFrameRoom);
  size_t spare_of_head(size_t used) const;
  // Where Linux's count is known otherwise.
  void set_true_size(uint32_t true_size) { true_size_ = true_size; }
  // Charges a socket until the packet dies, gets another owner or orphan() is called: release(owner, amount) then runs, under any
  // lock but the pool's.
  using Release = void (*)(void* owner, uint32_t amount);
  void set_owner(void* owner, Release release, uint32_t amount);
  // The owner has charged itself that much more.
  void raise_owned(uint32_t amount) { owned_amount_ += amount; }
  void orphan() {
    if (release_ != nullptr) release_owner();
  }
  void* owner() const { return owner_; }
  // Another packet of the same bytes takes the owner over, and what it wants to hear (transmit_stamps).
  void give_owner_to(Packet& other);

  // ---- metadata
  uint32_t interface_index = 0;  // where it came in, or goes out
  uint32_t mark = 0;             // SO_MARK
  uint32_t priority = 0;         // SO_PRIORITY
  uint32_t flow_hash = 0;
  int64_t wall_nanos = 0;  // when it was received, if somebody asked for time stamps; else 0
  Instant departure;       // earliest time to send (pacing, SO_TXTIME); the epoch means now
  // Of a packet of ours that will come back to us: under which hashes its receiver is looked for, where its sender knew.
  // SocketSet makes and reads them; 0 is none.
  ReceiverHashes receiver_hashes;
  // The connection it belongs to, and as what (stack/conntrack); clones belong to it too. Null outside the IP layer's hooks.
  Ref<PacketFlow> flow;
  uint8_t flow_state = 0;
  uint32_t stamp_key = 0;       // SO_TIMESTAMPING's number of this packet
  uint8_t transmit_stamps = 0;  // what its owner, which is a Socket then, wants to know of its way out (stack/timestamping.hh)
  uint16_t link_protocol = 0;   // ethertype
  ChecksumState checksum = ChecksumState::Unknown;
  SegmentationKind segmentation = SegmentationKind::None;
  uint16_t segment_size = 0;     // payload of each segment to be cut
  uint16_t segment_count = 0;    // after coalescing: how many the wire carried
  uint16_t checksum_start = 0;   // from network_header()
  uint16_t checksum_offset = 0;  // from checksum_start
  bool is_link_broadcast = false;
  bool is_link_multicast = false;
  bool is_for_other_host = false;
  bool is_looped = false;            // came through loopback, or is our own multicast
  bool is_routed_to_us = false;      // the sender's route says so: input asks no table again
  bool is_routed_to_many = false;    // likewise, that it is a broadcast
  bool is_routed_to_group = false;   // likewise, that it is a multicast
  bool has_own_link_header = false;  // on loopback: an Ethernet header that a program wrote stands before the front, marked
  bool is_hidden_from_taps = false;  // on its way out (PACKET_QDISC_BYPASS)
  bool is_turned_around = false;     // came back without having met a device: IP knows it (stack/ip/turn_around.hh)
  bool is_turned_segment = false;    // likewise, and its receiver need not read it (stack/tcp/turned_segment.hh)
  bool is_after_time_wait = false;   // a SYN, and what is left of the connection before it has gone (stack/tcp/time_wait.hh)

  // The layer that holds the packet keeps what it knows of it here; the next layer overwrites it. Undefined at first.
  template <typename T>
  T& control() {
    static_assert(sizeof(T) <= kControlSize && alignof(T) <= 8 && std::is_trivially_destructible_v<T>);
    return *reinterpret_cast<T*>(control_);
  }

  ListLink queue_link;

 private:
  friend class PacketPool;
  explicit Packet(PacketPool& pool) : pool_(pool) {}
  ~Packet() = default;

  Fragment* fragment_array() { return reinterpret_cast<Fragment*>(fragment_storage_); }
  const Fragment* fragment_array() const { return reinterpret_cast<const Fragment*>(fragment_storage_); }
  void use_inline(size_t headroom);
  void use_block(Ref<DataBlock> block, size_t headroom);
  const uint8_t* lowest_mark() const;
  const uint8_t* highest_mark() const;
  Result<> move_linear(size_t headroom, size_t tailroom);
  Result<> move_for_headroom(size_t size);
  Result<> pull_up_fragments(size_t size);
  void consume_fragments(size_t size);
  void cut_end(size_t size);
  void release_owner();
  void shift_marks(uint8_t* old_data);
  void copy_metadata(const Packet& other);
  size_t fill_last_block(ByteSpan bytes);
  void append_to_array(Ref<DataBlock> block, uint32_t offset, uint32_t size);
  void drop_front_fragments(size_t size);
  void restore_end(size_t size, uint32_t true_size);
  bool is_linear_shared() const { return linear_block_ && !linear_block_->is_unique(); }

  PacketPool& pool_;
  uint8_t* storage_ = nullptr;
  uint8_t* data_ = nullptr;
  uint8_t* tail_ = nullptr;
  uint8_t* limit_ = nullptr;
  uint8_t* link_header_ = nullptr;
  uint8_t* network_header_ = nullptr;
  uint8_t* transport_header_ = nullptr;
  Ref<DataBlock> linear_block_;  // where the linear part lies, or null: inline
  uint32_t fragment_bytes_ = 0;
  uint32_t true_size_ = 0;
  void* owner_ = nullptr;
  Release release_ = nullptr;
  uint32_t owned_amount_ = 0;
  uint8_t fragment_count_ = 0;
  // Storage only: a packet is made and dies a million times a second, and most have no fragment.
  alignas(Fragment) uint8_t fragment_storage_[kMaxFragments * sizeof(Fragment)];
  alignas(8) uint8_t control_[kControlSize];
  alignas(8) uint8_t inline_[kInlineCapacity];
};

template <typename Visitor>
void Packet::for_each_run(size_t offset, size_t size, Visitor&& visit) const {
  const auto visit_run = [&](ByteSpan run) {
    if (offset >= run.size()) {
      offset -= run.size();
      return;
    }
    run = run.subspan(offset);
    offset = 0;
    if (run.size() > size) run = run.first(size);
    size -= run.size();
    if (!run.empty()) visit(run);
  };
  visit_run(linear());
  for (const Fragment& fragment : fragments()) {
    if (size == 0) return;
    visit_run(fragment.bytes());
  }
}

// A queue that owns its packets.
class PacketQueue {
 public:
  PacketQueue() = default;
  ~PacketQueue() { clear(); }

  bool is_empty() const { return packets_.is_empty(); }
  size_t count() const { return count_; }
  Packet* front() const { return packets_.front(); }
  Packet* back() const { return packets_.back(); }
  Packet* next(const Packet& packet) const { return packets_.next(packet); }
  Packet* previous(const Packet& packet) const { return packets_.previous(packet); }
  void push_back(Ref<Packet> packet) {
    packets_.push_back(*packet.leak());
    ++count_;
  }
  void push_front(Ref<Packet> packet) {
    packets_.push_front(*packet.leak());
    ++count_;
  }
  void insert_after(Packet& position, Ref<Packet> packet) {
    packets_.insert_after(position, *packet.leak());
    ++count_;
  }
  void insert_before(Packet& position, Ref<Packet> packet) {
    packets_.insert_before(position, *packet.leak());
    ++count_;
  }
  Ref<Packet> take_front() {
    Packet* packet = packets_.take_front();
    if (packet != nullptr) --count_;
    return Ref<Packet>::adopt(packet);
  }
  Ref<Packet> remove(Packet& packet) {
    packets_.remove(packet);
    --count_;
    return Ref<Packet>::adopt(&packet);
  }
  void append(PacketQueue& other) {
    packets_.append(other.packets_);
    count_ += other.count_;
    other.count_ = 0;
  }
  void clear() {
    while (!is_empty()) take_front();
  }

 private:
  List<Packet, &Packet::queue_link> packets_;
  size_t count_ = 0;
};

}  // namespace lxnet
