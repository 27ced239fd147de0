// PacketFanout: sockets that share what comes in (PACKET_FANOUT). One tap for all, and a rule that chooses one of them.
//
// What the domain's lock guards says who belongs to the group; the group's own lock, of rank SocketInventory and so taken by the
// tap, guards who of them listens now.
#pragma once

#include "base/siphash.hh"
#include "compat/afpacket/frame_view.hh"
#include "hal/memory.hh"
#include "hal/mutex.hh"
#include "stack/bpf/bpf_program.hh"

namespace lxnet {

class PacketSocket;

// PACKET_FANOUT_*.
enum class FanoutKind : uint8_t { Hash = 0, InTurn = 1, Processor = 2, Rollover = 3, Random = 4, Queue = 5, Cbpf = 6, Ebpf = 7 };
enum FanoutFlags : uint16_t {
  kFanoutRollover = 0x1000,
  kFanoutUniqueId = 0x2000,
  kFanoutIgnoreOutgoing = 0x4000,
  kFanoutDefragment = 0x8000,
};

// struct fanout_args.
struct FanoutRequest {
  uint16_t id = 0;
  uint16_t kind_and_flags = 0;
  uint32_t limit = 0;  // max_num_members; 0: as it is, or 256

  FanoutKind kind() const { return FanoutKind{static_cast<uint8_t>(kind_and_flags)}; }
  bool has(FanoutFlags flag) const { return (kind_and_flags & flag) != 0; }
};
static_assert(sizeof(FanoutRequest) == 8);

// What a socket and a group are bound to: a group's sockets all to the same.
struct TapBinding {
  uint16_t protocol = 0;  // in host order; 0: nothing
  uint32_t device = 0;    // an interface's index; 0: all
  bool operator==(const TapBinding&) const = default;

  // Who asks for one protocol is shown only what came in.
  bool wants(uint16_t of_frame, bool is_outgoing) const {
    return protocol == kProtocolAll || (protocol == of_frame && !is_outgoing);
  }
};

// Of a socket whose group rolls over (PACKET_ROLLOVER_STATS).
struct RolloverState {
  static constexpr size_t kHistory = 16;
  bool is_on = false;
  uint32_t next = 0;
  uint64_t all = 0, huge = 0, failed = 0;
  uint32_t history[kHistory] = {};
};

class PacketFanout {
 public:
  static constexpr uint32_t kMostMembers = 1u << 16, kUsualMembers = 256;

  // ENOMEM.
  static Result<PacketFanout*> create(Stack& stack, const FanoutRequest& request, uint16_t id, uint8_t flags,
                                      const TapBinding& binding);

  uint16_t id() const { return id_; }
  FanoutKind kind() const { return kind_; }
  uint8_t flags() const { return flags_; }
  uint32_t limit() const { return limit_; }
  const TapBinding& binding() const { return binding_; }

  // ---- under the domain's lock
  uint32_t users = 0;  // who belongs to it, listening or not
  void link(PacketSocket& socket);
  void unlink(PacketSocket& socket);
  void set_program(Ref<BpfProgram> program);

  ListLink domain_link;

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  struct Tap : LinkTap {
    explicit Tap(PacketFanout& of) : LinkTap(&hear), fanout(of) {}
    PacketFanout& fanout;
  };

  PacketFanout(Stack& stack, const FanoutRequest& request, uint16_t id, uint8_t flags, const TapBinding& binding,
               HeapArray<PacketSocket*> members);
  ~PacketFanout() = default;

  static void hear(LinkTap& tap, Entry& entry, Interface& interface, const Packet& frame, TapDirection direction);
  bool has_member_locked(const void* owner) const REQUIRES(mutex_);
  void give_locked(Entry& entry, const FrameView& view) REQUIRES(mutex_);
  // packet_fanout_choice.cc
  uint32_t choose_locked(const FrameView& view) REQUIRES(mutex_);
  uint32_t roll_over_locked(const FrameView& view, uint32_t from, bool tries_first) REQUIRES(mutex_);
  bool is_huge_flow_locked(RolloverState& state, const FrameView& view) REQUIRES(mutex_);
  uint32_t flow_hash(const FrameView& view) const;
  uint32_t random_below(uint32_t limit) const;

  Stack& stack_;
  const uint16_t id_;
  const FanoutKind kind_;
  const uint8_t flags_;
  const bool ignores_outgoing_, wants_whole_;
  const uint32_t limit_;
  const TapBinding binding_;
  const SipKey key_;
  Tap tap_;
  Mutex mutex_;
  HeapArray<PacketSocket*> members_ GUARDED_BY(mutex_);
  uint32_t count_ GUARDED_BY(mutex_) = 0;
  uint32_t turn_ GUARDED_BY(mutex_) = 0;
  Ref<BpfProgram> program_ GUARDED_BY(mutex_);
};

}  // namespace lxnet
