// RawSocket: IP protocols without a transport of ours, with the program's own headers.
//
// A raw socket is bound to a protocol number (255: sends alone) and gets a copy of every packet of that protocol that its
// addresses admit: over IPv4 with the IP header in front, over IPv6 without.
#pragma once

#include "hal/memory.hh"
#include "stack/datagram/datagram_socket.hh"

namespace lxnet {

// SOL_RAW's and SOL_ICMPV6's options, plain words like those of Socket.
struct RawOptions {
  uint32_t icmp_filter = 0;       // ICMP_FILTER: a bit for each type below 32 that is not wanted
  uint32_t icmp6_filter[8] = {};  // ICMPV6_FILTER: likewise for all 256
  bool has_checksum = false;      // IPV6_CHECKSUM: computed when sending, verified when receiving
  int32_t checksum_offset = 0;
};

class RawSocket final : public DatagramSocket {
 public:
  static constexpr uint8_t kIcmp4 = 1, kIcmp6 = 58, kRaw = 255;

  // ENOBUFS, ENOMEM.
  static Result<Ref<Socket>> create(Entry& entry, IpFamily family, uint16_t number);

  Result<> bind(Entry& entry, const Endpoint& local) override;
  Result<> check_before_destination(Entry& entry, const SendRequest& request) override;
  Result<> check_before_control(Entry& entry, const SendRequest& request) override;
  Result<size_t> send(Entry& entry, SendRequest& request) override;
  Result<size_t> receive(Entry& entry, ReceiveRequest& request) override;

  // packet. Whether addresses, interface and memberships admit it; the packet path asks without lock_.
  bool admits(const IpAddress& local, const IpAddress& remote, uint32_t interface_index) const;
  // Whether the ICMP filter holds the message back.
  bool filters(const Packet& packet) const;

  RawOptions raw_options;

 protected:
  void dispose_self() override;
  void discard_pending(Entry& entry) override REQUIRES(lock_);
  Result<> claim_port(Entry&, uint16_t) override REQUIRES(lock_) { return ok(); }
  // disconnect() takes the protocol away, and with it every packet: __udp_disconnect() unhashes the socket for good.
  void release_port(Entry&) override REQUIRES(lock_) { local_.port = 0; }
  Result<> relist() override REQUIRES(lock_);

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  RawSocket(Stack& stack, IpFamily family, uint16_t number);
  ~RawSocket();

  Result<> start(Entry& entry);
  Result<> check_size_and_flags(const SendRequest& request) const;
  Result<> check_request(SendRequest& request, Endpoint& destination, uint8_t& protocol) const REQUIRES(lock_);
  bool routes_to_nobody(const SendRequest& request) const REQUIRES(lock_);
  Result<> probe_header(const SendRequest& request, uint8_t number) const REQUIRES(lock_);
  Result<> check_room() const;
  bool waits_for_room(const SendPlan& plan) const REQUIRES(lock_);
  Result<> send_packet(Entry& entry, Ref<Packet> packet, const SendPlan& plan) REQUIRES(lock_);
  Result<> send_whole(Entry& entry, Ref<Packet> packet, const SendPlan& plan) REQUIRES(lock_);
  Result<> fill_checksum(Packet& packet, const SendPlan& plan) const;
  Result<> without_queue_errors(Result<> sent, const SendPlan& plan) const;

  // raw_cork.cc
  struct Pending {
    Ref<Packet> packet;
    SendPlan plan;
    Route route;
    HeapArray<uint8_t> options;
    bool names_ttl = false;  // a control message did
    AppendCharge made;
  };
  Result<Pending*> start_pending(const SendPlan& plan) REQUIRES(lock_);
  Result<> append_bytes(Entry& entry, const SendPlan& plan, SendRequest& request) REQUIRES(lock_);
  Result<size_t> append_pending(Entry& entry, SendRequest& request, const SendPlan& plan) REQUIRES(lock_);
  Result<> push_pending(Entry& entry, const SendPlan& last) REQUIRES(lock_);

  // The addresses, for admits(): written under lock_ and `admission_lock_`.
  struct Addresses {
    IpAddress local, remote;
  };
  // IPPROTO_*: beyond 255 (MPTCP) it names no protocol on the wire. Such a socket hears nothing, and sends with the low byte.
  const uint16_t number_;
  mutable Mutex admission_lock_;
  Addresses admitted_ GUARDED_BY(admission_lock_);
  Pending* pending_ GUARDED_BY(lock_) = nullptr;  // owned; null for nearly all
};

}  // namespace lxnet
