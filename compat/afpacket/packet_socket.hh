// PacketSocket: a socket of AF_PACKET. It is shown the frames of one interface or of all, and sends frames as they are.
//
// What it is bound to is the domain's to guard, as are the options that Linux changes under the socket's lock; its inbox has a
// lock of its own, which the packet path takes. Not served: stamps of what was sent.
#pragma once

#include "compat/afpacket/packet_domain.hh"
#include "compat/afpacket/packet_inbox.hh"
#include "compat/afpacket/packet_report.hh"
#include "compat/afpacket/packet_ring.hh"
#include "compat/afpacket/send_ring.hh"
#include "compat/afpacket/virtual_header.hh"
#include "compat/syscalls/option_table.hh"
#include "compat/syscalls/task_mutex.hh"
#include "compat/syscalls/wait_until.hh"
#include "stack/error_queue.hh"
#include "stack/timestamping.hh"

namespace lxnet {

// PACKET_*: what a program chose. Single words, which the packet path reads as they are.
struct PacketOptions {
  Relaxed<bool> tells_status = false;        // PACKET_AUXDATA
  Relaxed<bool> tells_first_device = false;  // PACKET_ORIGDEV: no device stands upon another here
  Relaxed<bool> ignores_outgoing = false;
  Relaxed<bool> bypasses_taps = false;     // PACKET_QDISC_BYPASS
  Relaxed<bool> skips_bad_frames = false;  // PACKET_LOSS
  Relaxed<bool> has_send_offset = false;   // PACKET_TX_HAS_OFF
  Relaxed<uint32_t> virtual_header = 0;    // PACKET_VNET_HDR_SZ
  Relaxed<int> copy_threshold = 0;         // PACKET_COPY_THRESH: what a ring's frame cuts off goes to the inbox whole
  Relaxed<int> clock = 0;                  // PACKET_TIMESTAMP: no device has another than ours
};

// PACKET_ADD_MEMBERSHIP: what of an interface's traffic a socket wants to hear beside its own.
struct LinkMembership {
  static constexpr size_t kAddressRoom = 32;  // MAX_ADDR_LEN
  ListLink link;
  uint32_t index = 0, count = 0;
  uint16_t kind = 0;  // PACKET_MR_*
  uint16_t size = 0;
  uint8_t address[kAddressRoom] = {};

  bool is_same(const LinkMembership& other) const {
    return index == other.index && kind == other.kind && size == other.size && memcmp(address, other.address, size) == 0;
  }
};

class PacketSocket final : public SocketFile, private StampListener {
 public:
  static Result<Ref<SocketFile>> create(SyscallContext& context, int type, int protocol);

  Result<> bind(SyscallContext& context, const SockAddr& address) override;
  Result<> connect(SyscallContext&, const SockAddr&) override { return Errno::EOPNOTSUPP; }
  Result<> listen(SyscallContext&, int) override { return Errno::EOPNOTSUPP; }
  Result<Ref<SocketFile>> accept(SyscallContext&) override { return Errno::EOPNOTSUPP; }
  Result<> name(SyscallContext& context, NameOf which, SockAddr& name) override;
  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;
  Result<> shutdown(SyscallContext&, ShutdownHow) override { return Errno::EOPNOTSUPP; }
  Result<> set_option(SyscallContext& context, int level, int name, UserAddress value, int length) override;
  Result<> get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length) override;
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override;
  PollEvents poll(Entry& entry) override;
  WaitQueue& wait_queue() override { return waiters_; }
  SocketOptionSet& options() override { return options_; }
  StampWish* stamp_wish() override { return &stamp_wish_; }
  SocketAttachments* attachments() override { return &attachments_; }
  MemoryUse memory_use(SyscallContext& context) override;
  Errno take_error() override { return static_cast<Errno>(__atomic_exchange_n(&error_, 0u, __ATOMIC_ACQ_REL)); }
  void keep_error(Errno error) override { __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE); }
  uint64_t cookie() override;

  PacketDomain& domain() const { return domain_; }
  PacketOptions& packet_options() { return packet_options_; }
  PacketInbox& inbox() { return inbox_; }
  bool is_old() const { return socket_type() == kSockPacket; }

  // ---- the packet path, under a tap's lock
  void deliver(Entry& entry, const FrameView& view);
  // Whether a frame with this owner is one that the socket sent.
  bool is_owner(const void* owner) const { return owner == static_cast<const StampListener*>(this); }
  enum class Room : uint8_t { None, Low, Normal };
  Room room_for(const FrameView& view) const;
  RolloverState& rollover() { return rollover_; }

  // ---- under the domain's lock
  void interface_down_locked(uint32_t index, bool is_end) REQUIRES(domain_.mutex());
  void interface_up_locked(uint32_t index) REQUIRES(domain_.mutex());
  PacketReport report_locked() REQUIRES(domain_.mutex());

  // ---- rings. EBUSY: while there is one, or a program has it mapped.
  Result<> set_ring(Entry& entry, const RingRequest& request);
  Result<> set_send_ring(Entry& entry, const RingRequest& request);
  Result<> set_ring_version(RingVersion version);
  Result<> set_ring_reserve(uint32_t bytes);
  Result<> set_virtual_header(uint32_t size);
  // False: there is a ring, and nothing was changed.
  bool set_without_rings(Relaxed<bool>& flag, bool value);
  RingVersion ring_version();
  uint32_t ring_reserve();
  PacketStatistics take_statistics();
  // For a host's mmap(): the memory, held until it is given back. Null: not of that size.
  void* map_rings(uint64_t size);
  void unmap_rings();

  // ---- options
  Result<> add_membership(SyscallContext& context, const LinkMembership& asked);
  Result<> drop_membership(SyscallContext& context, const LinkMembership& asked);
  // Under the registry's Configuration lock: the interface is gone.
  void forget_memberships(Entry& entry, Interface& interface);
  Result<> join_fanout(SyscallContext& context, FanoutRequest request);
  // PACKET_FANOUT's value; 0: in no group.
  uint32_t fanout_word();
  Result<> set_fanout_program(Ref<BpfProgram> program);
  // EINVAL: in no group that is told by a program.
  Result<FanoutKind> fanout_program_kind();

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  struct Tap : LinkTap {
    explicit Tap(PacketSocket& of) : LinkTap(&hear), socket(of) {}
    PacketSocket& socket;
  };
  struct OutgoingFrame {
    Ref<Interface> interface;
    uint16_t protocol = 0;
    bool has_destination = false;
    MacAddress destination;
    SendControl control;
    VirtualHeader virtual_header;
    size_t size = 0;  // of what the program gave

    size_t header_size() const { return header_size_of(*interface); }
  };

  PacketSocket(Stack& stack, int type, uint16_t protocol, uint32_t uid);
  ~PacketSocket() override;
  void released(Entry& entry) override;
  // What was sent may still be on its way and tell us when it dies: the last of it, or we, end the socket.
  void dispose_self() override { release_charge(static_cast<StampListener*>(this), 1); }
  static void release_charge(void* owner, uint32_t amount);
  size_t in_flight() const { return __atomic_load_n(&in_flight_, __ATOMIC_RELAXED) - 1; }
  void report_error(Errno error);
  void hear_stamp(TransmitStamp kind, uint32_t key, const Packet& frame) override;
  bool has_error() const { return __atomic_load_n(&error_, __ATOMIC_ACQUIRE) != 0; }
  ViewFrom view_from() const { return socket_type() == kSockDatagram ? ViewFrom::NetworkHeader : ViewFrom::LinkHeader; }

  static void hear(LinkTap& tap, Entry& entry, Interface& interface, const Packet& frame, TapDirection direction);
  void hook_locked() REQUIRES(domain_.mutex());
  void unhook_locked() REQUIRES(domain_.mutex());
  Result<> bind_to(const char* name, int32_t index, uint16_t protocol);
  void leave_fanout_locked() REQUIRES(domain_.mutex());
  // packet_socket_ring.cc
  bool deliver_to_ring(const FrameView& view, ViewFrom from, size_t kept);
  void deliver_to_inbox(const FrameView& view, ViewFrom from, size_t kept, IsCounted counted);
  bool has_rings_locked() const REQUIRES(domain_.mutex()) { return ring_ || send_ring_; }
  Result<bool> asks_for_ring_locked(const RingRequest& request, bool has_one) const REQUIRES(domain_.mutex());
  template <typename Change>
  Result<> change_rings_locked(size_t added, Change change) REQUIRES(domain_.mutex());
  bool ring_has_frames();
  bool send_ring_has_room();
  Ref<SendRing> send_ring();
  // What a sender without a ring pays.
  bool has_send_ring() const { return __atomic_load_n(&has_send_ring_, __ATOMIC_RELAXED); }
  // packet_receive.cc
  Result<size_t> receive_report(IncomingMessage& message);
  Result<Ref<Packet>> next_packet(uint32_t flags);
  Result<size_t> hand_out(SyscallContext& context, IncomingMessage& message, Packet& packet);
  void set_name(IncomingMessage& message, Packet& packet) const;
  // packet_send.cc
  Result<OutgoingFrame> address_frame(const OutgoingMessage& message);
  Result<OutgoingFrame> address_old_frame(const OutgoingMessage& message);
  Result<> take_send_control(SyscallContext& context, OutgoingMessage& message, OutgoingFrame& frame);
  Result<Ref<Packet>> fill_packet(IoSource& source, const OutgoingFrame& frame);
  Result<> wait_for_room(SyscallContext& context, const OutgoingMessage& message);
  // The longest frame of the program's, without a VLAN tag.
  size_t most_of(const OutgoingFrame& frame) const {
    return frame.interface->mtu() + (socket_type() == kSockDatagram ? 0 : frame.header_size());
  }
  static bool is_tagged(const OutgoingFrame& frame, const Packet& packet);
  void launch(Entry& entry, const OutgoingFrame& frame, Ref<Packet> packet);
  // packet_send_ring.cc
  Result<size_t> send_from_ring(SyscallContext& context, OutgoingMessage& message);
  Result<size_t> send_slot(Entry& entry, SendRing& ring, OutgoingFrame& frame);
  // packet_membership.cc
  Result<> begin_membership(Entry& entry, Interface& interface, const LinkMembership& membership);
  void end_membership(Entry& entry, Interface& interface, const LinkMembership& membership);
  void leave_all_memberships(Entry& entry);

  PacketDomain& domain_;
  SocketOptionSet options_;
  StampWish stamp_wish_;
  SocketAttachments attachments_;
  WaitQueue waiters_;
  PacketInbox inbox_;
  ErrorQueue reports_;  // of what was sent
  PacketOptions packet_options_;
  RolloverState rollover_;
  Tap tap_;
  PacketDomain::Member member_;
  uint32_t error_ = 0;    // an Errno
  size_t in_flight_ = 1;  // charged for what was sent, and one for ourselves
  uint64_t cookie_ = 0;
  const uint32_t uid_;  // of who made it

  TapBinding tap_binding_;                                   // written while no tap is added; the packet path reads it
  uint16_t protocol_ GUARDED_BY(domain_.mutex()) = 0;        // of bind() or socket(), in host order
  int32_t interface_index_ GUARDED_BY(domain_.mutex()) = 0;  // -1: it is gone
  bool is_running_ GUARDED_BY(domain_.mutex()) = false;
  Ref<PacketRing> ring_;  // changed under the domain's lock while no tap is added; the packet path reads it
  Ref<SendRing> send_ring_ GUARDED_BY(domain_.mutex());
  Ref<RingMemory> ring_memory_ GUARDED_BY(domain_.mutex());  // of both
  bool has_send_ring_ = false;                               // atomic
  TaskMutex sending_;                                        // from the ring, one at a time
  RingVersion ring_version_ GUARDED_BY(domain_.mutex()) = RingVersion::V1;
  uint32_t ring_reserve_ GUARDED_BY(domain_.mutex()) = 0;
  uint32_t ring_mappings_ GUARDED_BY(domain_.mutex()) = 0;
  PacketFanout* fanout_ GUARDED_BY(domain_.mutex()) = nullptr;
  List<LinkMembership, &LinkMembership::link> memberships_;  // the registry's Configuration lock guards them
};

// SOL_PACKET's.
const OptionTable& packet_level_options();

}  // namespace lxnet
