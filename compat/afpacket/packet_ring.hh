// PacketRing: memory that a program shares with us, into which frames are written instead of into the inbox (PACKET_RX_RING).
//
// TPACKET_V1 and V2: frames of a fixed size, each with a word that says whose it is. V3: blocks that frames fill one after the
// other, closed when the next frame does not fit or when time is up. Whatever the program writes into the memory is read only as
// such a word, and only to learn whether a frame or block is ours again: where they lie is kept here.
#pragma once

#include "compat/afpacket/frame_view.hh"
#include "compat/afpacket/ring_memory.hh"
#include "hal/hal.hh"
#include "hal/mutex.hh"
#include "hal/owned_timer.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

// What of a frame goes in, and how.
struct RingFrame {
  const FrameView& view;
  ViewFrom from;
  uint32_t kept;            // bytes, after the filter
  uint32_t virtual_header;  // PACKET_VNET_HDR_SZ
  int64_t wall_nanos;
  bool is_losing;
  bool is_copied = false;  // all of it goes to the inbox too
};

class PacketRing : public RefCounted<PacketRing> {
 public:
  // EINVAL, ENOMEM, as Linux.
  static Result<Ref<PacketRing>> create(Stack& stack, RingVersion version, uint32_t reserve, const RingRequest& request,
                                        size_t room);
  static void destroy(PacketRing* ring);

  // Who is told when frames are there; null: nobody any more.
  void tell(WaitQueue* waiters);
  // Whether the frame is longer than a slot has room for. V3 cuts only what no block holds.
  bool cuts(const RingFrame& frame) const {
    return version_ != RingVersion::V3 && lay_out(frame, request_.frame_size).kept < frame.kept;
  }
  // False: there was no room.
  bool put(const RingFrame& frame);
  bool has_frames();
  bool has_room();
  uint32_t take_frozen();  // how often all blocks were the program's, since it was asked last

  size_t size() const { return request_.size(); }
  // From now on it lies there, with all that stands in it. While no frame comes.
  void place(Ref<RingMemory> memory, size_t at);

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  PacketRing(Stack& stack, RingVersion version, uint32_t reserve, const RingRequest& request);
  ~PacketRing();

  struct Layout {
    uint32_t link_at = 0, network_at = 0, kept = 0, virtual_header = 0;
    bool fits = false;  // where the headers lie can be told at all
  };
  Layout lay_out(const RingFrame& frame, size_t room) const;
  void write_frame(uint8_t* at, const RingFrame& frame, const Layout& layout);
  void write_address(uint8_t* at, const RingFrame& frame) const;
  uint64_t load_status(const uint8_t* frame) const;
  bool put_in_slot_locked(const RingFrame& frame) REQUIRES(mutex_);
  uint8_t* slot_locked(uint32_t index) const REQUIRES(mutex_);
  // packet_ring_blocks.cc
  uint8_t* block_at(uint32_t index) const { return memory_ + size_t{index} * request_.block_size; }
  uint32_t data_offset() const;
  bool is_users(uint32_t block) const;
  bool put_in_block_locked(const RingFrame& frame) REQUIRES(mutex_);
  void open_block_locked() REQUIRES(mutex_);
  void close_block_locked(uint32_t why) REQUIRES(mutex_);
  bool open_next_block_locked() REQUIRES(mutex_);
  static void retire_timer_expired(Entry& entry, Timer& timer);
  void retire_locked() REQUIRES(mutex_);

  Stack& stack_;
  const RingVersion version_;
  const uint32_t reserve_;
  const RingRequest request_;
  Ref<RingMemory> owner_;
  uint8_t* memory_ = nullptr;
  Mutex mutex_;
  WaitQueue* waiters_ GUARDED_BY(mutex_) = nullptr;
  uint32_t head_ GUARDED_BY(mutex_) = 0;  // the slot, or the block, that is next
  uint32_t frozen_ GUARDED_BY(mutex_) = 0;
  // V3: the open block.
  uint64_t sequence_ GUARDED_BY(mutex_) = 1;
  uint32_t used_ GUARDED_BY(mutex_) = 0, count_ GUARDED_BY(mutex_) = 0, last_at_ GUARDED_BY(mutex_) = 0;
  int64_t last_stamp_ GUARDED_BY(mutex_) = 0;
  uint64_t seen_by_timer_ GUARDED_BY(mutex_) = 0;  // the sequence number when the timer rang last
  bool is_frozen_ GUARDED_BY(mutex_) = false;      // the block at head_ is still the program's
  OwnedTimer<PacketRing> timer_;
};

}  // namespace lxnet
