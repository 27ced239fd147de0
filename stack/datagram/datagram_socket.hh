// DatagramSocket: what UDP, raw and ICMP echo sockets have in common: an address pair, a receive queue, an error queue, memory.
//
// Who guards what: lock_ (task ownership) the addresses, the port, the cached route and what a protocol collects before it sends;
// the queues have locks of their own, since packets reach them without lock_. Options are single words read relaxed.
//
// Memory: what is queued to receive counts against SO_RCVBUF (receive_queue.hh). What was sent counts against SO_SNDBUF until the
// packet dies; the count starts at one for the socket itself, and whoever takes it to zero frees the socket.
#pragma once

#include "stack/datagram/append_charge.hh"
#include "stack/datagram/datagram_info.hh"
#include "stack/datagram/receive_queue.hh"
#include "stack/demux_entry.hh"
#include "stack/error_queue.hh"
#include "stack/ip/output.hh"
#include "stack/mib.hh"
#include "stack/port_hooks.hh"
#include "stack/socket.hh"
#include "stack/socket_diagnosis.hh"
#include "stack/socket_lock.hh"
#include "stack/wire/ipv4_options.hh"

namespace lxnet {

class DatagramSocket : public Socket {
 public:
  Result<> bind(Entry& entry, const Endpoint& local) override;
  Result<> connect(Entry& entry, const Endpoint& remote, uint32_t flags) override;
  // inet_dgram_connect() takes a port before anybody looks at the address.
  Result<bool> connect_by_state(Entry& entry) override;
  Result<> disconnect(Entry& entry) override;
  Result<> listen(Entry&, int) override { return Errno::EOPNOTSUPP; }
  Result<Ref<Socket>> accept(Entry&) override { return Errno::EOPNOTSUPP; }
  Result<size_t> receive(Entry& entry, ReceiveRequest& request) override;
  Result<> shutdown(Entry& entry, ShutdownHow how) override;
  PollEvents poll(Entry& entry) override;
  void close(Entry& entry) override;
  Result<Endpoint> local_name(Entry& entry) override;
  Result<Endpoint> remote_name(Entry& entry) override;
  Result<int> bytes_readable(Entry& entry) override;
  Result<int> bytes_unsent(Entry& entry) override;
  SocketMemory memory(Entry& entry) override;

  // packet. Queues it, or drops it and counts. The packet's front is at the program's data, DatagramInfo's ip and source_port are
  // set.
  void deliver(Entry& entry, Ref<Packet> packet);
  // packet. An ICMP error about something this socket sent, or one of our own making. `payload` begins at the program's data.
  void deliver_error(Entry& entry, const IpError& error, uint16_t remote_port, Ref<Packet> payload);
  // packet. Whether SO_RCVBUF is full; then a drop is counted.
  bool drops_for_want_of_room();
  // The peer, port or none, is one of IPv4's.
  bool has_v4_peer(Entry& entry);
  bool is_connected() const { return __atomic_load_n(&is_connected_, __ATOMIC_RELAXED); }
  Result<uint32_t> path_mtu(Entry& entry) override;
  void doubt_route(Entry& entry) override;
  void forget_route(Entry& entry) override;
  Result<> set_group_program(Entry& entry, Ref<BpfProgram> program) override;
  void queue_error(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination) override;
  int64_t* last_stamp() override { return &errors_.last_stamp; }
  Result<> become_v4(Entry& entry) override;
  // /proc/net.
  size_t receive_memory() const { return queue_.bytes() + errors_.bytes(); }
  size_t send_memory() const { return __atomic_load_n(&send_memory_, __ATOMIC_RELAXED) - 1; }
  uint32_t drops() const { return queue_.drops(); }
  void count_drop() { queue_.count_drop(); }
  uint32_t uid() const { return uid_; }
  SocketDiagnosis diagnose(Entry& entry);
  // SOCK_DESTROY: an administrator ends it, as far as a datagram socket ends: it is told, and has no peer any more.
  Result<> abort(Entry& entry);

 protected:
  // Set for the protocols that count in /proc/net/snmp.
  struct Counters {
    Mib delivered{}, errors{}, no_room{};
  };
  struct CountersByFamily {
    Counters v4, v6;
  };

  // `counters`: null for who does not count.
  DatagramSocket(Stack& stack, IpFamily family, SocketType type, uint8_t protocol, DemuxSpace space, Admission admission,
                 const CountersByFamily* counters = nullptr);
  ~DatagramSocket();
  void destroy_self() final;
  // Ends in dispose(hal, this) of the derived type.
  virtual void dispose_self() = 0;

  // ---- what protocols do differently; lock_ is owned
  // Takes the port (0: any), after bind() has checked and set the address, or for a send or connect without bind.
  virtual Result<> claim_port(Entry& entry, uint16_t port) REQUIRES(lock_);
  virtual void release_port(Entry& entry) REQUIRES(lock_);
  // __ip4_datagram_connect() looks for its way in the very place where the one of what waits to be sent together is kept.
  virtual void redirect_pending(const IpAddress&, uint16_t, const IpAddress&) REQUIRES(lock_) {}
  // What waits to be sent together goes.
  virtual void discard_pending(Entry&) REQUIRES(lock_) {}

  // ---- for binding; lock_ is owned
  // EADDRNOTAVAIL, and for IPv6 EINVAL and ENODEV.
  Result<> check_bind4(Entry& entry, const IpAddress& address) const;
  Result<> check_bind6(Entry& entry, const Endpoint& local) REQUIRES(lock_);
  // After the checks: sets the address and takes the port.
  Result<> bind_to(Entry& entry, const Endpoint& local) REQUIRES(lock_);
  // local_ and source_, without a port.
  void set_address(Entry& entry, const IpAddress& address) REQUIRES(lock_);

  // ---- for sending; lock_ is owned
  // Where one datagram goes and how.
  struct SendPlan {
    IpAddress destination;
    uint16_t port = 0;
    const Route* route = nullptr;  // valid until the next plan
    IpSendOptions ip;
    Ipv4Options v4_options;     // ip.v4_options points here, if at anything
    Ref<StickyHeaders> sticky;  // ip.options may lie in it
    uint32_t mark = 0, priority = 0;
    uint8_t stamps = 0;  // SO_TIMESTAMPING: kStamp*
    uint32_t stamp_key = 0;
    bool draws_stamp_key = false;    // the socket's next number (OPT_ID), once the packet is made
    bool is_probe_only = false;      // MSG_PROBE: nothing is to be sent, nor even read
    ReceiverHashes receiver_hashes;  // of a plan that was kept, where the receiver is on this host
  };
  Result<> plan_send(Entry& entry, const SendRequest& request, SendPlan& plan) REQUIRES(lock_);
  // The plan that keep_plan() kept, where this request would be planned the same way; else null. Valid until the next plan.
  SendPlan* find_kept_plan(const SendRequest& request) REQUIRES(lock_);
  // For the next request like this one, where nothing in it concerns this one alone. `generation`: options_generation() from
  // before it was made.
  void keep_plan(const SendRequest& request, const SendPlan& plan, uint32_t generation) REQUIRES(lock_);
  // The record's number. Whose bytes cannot be had takes none (__ip_append_data() gives it back).
  void number_record(SendPlan& plan);
  // The plan's number for IPv4's identification, where the socket counts its own: connected ones do (Linux's inet_id).
  void number_packet(SendPlan& plan) REQUIRES(lock_);
  // Pending error, shutdown, room: what Linux asks when it allocates the packet.
  Result<> check_may_send() REQUIRES(lock_);
  // Whoever polls for room is told: a packet is gone.
  void wake_writers();
  // Charges SO_SNDBUF until the packet dies, and whoever receives it the same.
  void charge(Packet& packet, uint32_t amount);
  // A charged packet has grown.
  void raise_charge(Packet& packet, uint32_t amount);
  // The mark, the priority and the records that the plan wants, once the packet is charged.
  static void tag(Packet& packet, const SendPlan& plan);
  // Behind the fixed header: IPv4 options, IPv6 extension headers.
  static size_t options_size(const SendPlan& plan) {
    return plan.ip.v4_options != nullptr ? plan.ip.v4_options->size() : plan.ip.options.size();
  }
  // EMSGSIZE: more than one IP packet holds, or where the program forbids fragments more than a link frame does.
  Result<> check_size(Entry& entry, const SendPlan& plan, size_t size) REQUIRES(lock_);
  // Of a datagram, whose first `transport` bytes are a header: how many bytes are made before its fragments fill the send buffer
  // (the next is refused with ENOBUFS), and what they are charged.
  struct Made {
    size_t bytes;
    uint32_t charge;
  };
  Made make_bytes(const SendPlan& plan, size_t size, size_t transport, uint16_t segment_size = 0) const;
  // More bytes of one that is made piece by piece: how many of them are made. What it is charged grows by them.
  size_t make_more_bytes(const AppendShape& shape, AppendCharge& made, Packet& packet, size_t size, size_t transport);
  static AppendShape shape_of(const SendPlan& plan, uint16_t segment_size = 0);
  // EMSGSIZE: a report for the error queue, if the program wants them.
  void report_too_large(Entry& entry, const SendPlan& plan, uint32_t mtu) REQUIRES(lock_);
  Result<> ensure_port(Entry& entry) REQUIRES(lock_);
  // Puts the socket where packets for its present addresses find it. ENOMEM: it stays where it was.
  virtual Result<> relist() REQUIRES(lock_);
  // The entry the protocol fills; added as a flow or as bound, it takes the place of the one in use.
  DemuxEntry& next_entry() REQUIRES(lock_);
  Result<> replace_entry(bool as_flow) REQUIRES(lock_);
  void unlist() REQUIRES(lock_);
  bool is_listed() const REQUIRES(lock_) { return entries_[current_entry_].is_added(); }
  size_t room_for_errors() const;

  SocketLock lock_;
  Endpoint local_ GUARDED_BY(lock_);    // where packets are accepted from: inet_rcv_saddr, and the port
  IpAddress source_ GUARDED_BY(lock_);  // what packets are sent from; not local_ when bound to a group or broadcast address
  Endpoint remote_ GUARDED_BY(lock_);
  IpAddress former_peer_ GUARDED_BY(lock_);  // of an IPv6 socket that was disconnected
  PortClaim claim_ GUARDED_BY(lock_);
  IpAddress claimed_address_;                // local_.address as claim_ has it
  bool has_path_ GUARDED_BY(lock_) = false;  // Linux's sk_dst_cache: IP_MTU and IPV6_MTU have something to tell
  const DemuxSpace space_;
  const uint32_t uid_;
  ReceiveQueue queue_;
  ErrorQueue errors_;

 private:
  Result<> bind_locked(Entry& entry, const Endpoint& local) REQUIRES(lock_);
  Result<> check_privilege(uint16_t port) const;
  Result<> connect4(Entry& entry, const Endpoint& remote) REQUIRES(lock_);
  Result<> connect6(Entry& entry, const Endpoint& remote) REQUIRES(lock_);
  Result<> settle_connection(const Endpoint& remote, const IpAddress& chosen_source) REQUIRES(lock_);
  Result<> disconnect_locked(Entry& entry) REQUIRES(lock_);
  Result<> find_destination(const SendRequest& request, SendPlan& plan) const REQUIRES(lock_);
  IpAddress sending_source(const SendControl& control) const REQUIRES(lock_);
  FlowKey flow_of(const SendRequest& request, const SendPlan& plan) const REQUIRES(lock_);
  void choose_interface(FlowKey& key) const;
  void fill_ip_options(const SendRequest& request, SendPlan& plan) const;
  Result<> take_v4_options(ByteSpan options, SendPlan& plan) const;
  void choose_stamps(const SendRequest& request, SendPlan& plan);
  void report_path_mtu(const SendPlan& plan, uint32_t mtu) REQUIRES(lock_);
  bool take_path_mtu(ReceiveRequest& request) REQUIRES(lock_);
  Result<const Route*> find_route(Entry& entry, const FlowKey& key) REQUIRES(lock_);
  Result<size_t> receive_error(ReceiveRequest& request);
  Result<size_t> copy_out(Entry& entry, ReceiveRequest& request, Ref<Packet> packet, size_t offset);
  void move_peek_offset(int64_t change);
  bool wants_errors(bool is_v4) const { return is_v4 ? ip_options->receive_errors_v4 : ip_options->receive_errors_v6; }
  bool prepares_packet_info() const;
  // ping_v6_sendmsg() hands no flags and no extension headers on.
  bool is_echo6() const;
  bool is_udp() const { return space_ == DemuxSpace::Udp || space_ == DemuxSpace::UdpLite; }
  void readdress() REQUIRES(lock_);
  void count_datagram(Entry& entry, const IpInfo& info, Mib Counters::*what) const {
    if (counters_ != nullptr) count(entry, (info.destination.is_v4() ? counters_->v4 : counters_->v6).*what);
  }
  void forget_cached_route() REQUIRES(lock_);
  static void release_charge(void* owner, uint32_t amount);
  // Packets are queued without lock_, so nothing ever waits for its owner.
  static void no_packet_waits(Entry&, SocketLock&, Ref<Packet>) { ASSERT(false); }
  static void no_bits_wait(Entry&, SocketLock&, uint32_t) { ASSERT(false); }
  static constexpr SocketWork kNoWork{.packet = &no_packet_waits, .deferred = &no_bits_wait};

  const CountersByFamily* const counters_;
  DemuxEntry entries_[2] GUARDED_BY(lock_);  // one in use; the other takes over when addresses change
  uint8_t current_entry_ GUARDED_BY(lock_) = 0;
  bool is_connected_ = false;                                                              // written under lock_
  bool address_locked_ GUARDED_BY(lock_) = false, port_locked_ GUARDED_BY(lock_) = false;  // bind() chose them, not we
  bool is_source_bound_ GUARDED_BY(lock_) = false;  // bind() chose source_, also where it does not keep it
  uint8_t shutdown_ = 0;                            // kShutRead, kShutWrite: written under lock_
  bool is_closed_ GUARDED_BY(lock_) = false;
  size_t send_memory_ = 1;
  // IPV6_RECVPATHMTU: the last packet found too large, until it is received.
  struct PathMtuReport {
    Endpoint destination;
    uint32_t mtu = 0;
  };
  PathMtuReport path_mtu_report_ GUARDED_BY(lock_);
  uint32_t has_path_mtu_report_ = 0;  // written under lock_
  FlowKey cached_key_ GUARDED_BY(lock_);
  Route cached_route_ GUARDED_BY(lock_);
  // The last plan that may serve again: its route is cached_route_, and goes with it.
  struct KeptPlan {
    bool is_valid = false;
    bool is_for_peer = false;  // the request named nobody
    uint32_t options_generation = 0;
    Endpoint destination;  // that the request named
    SendPlan plan;
  };
  KeptPlan kept_ GUARDED_BY(lock_);
  uint16_t identification_ GUARDED_BY(lock_) = 0;
};

}  // namespace lxnet
