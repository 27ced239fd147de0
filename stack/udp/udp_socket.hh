// UdpSocket: UDP (RFC 768) and UDP-Lite (RFC 3828) over IPv4 and IPv6, with Linux's corking and segmentation offload.
//
// Not implemented: UDP-Lite's counters in /proc/net/snmp. Without IPsec, what UDP_ENCAP says is ESP is dropped as for an unknown
// association.
#pragma once

#include "stack/datagram/datagram_socket.hh"
#include "stack/wire/ip_protocol.hh"
#include "stack/wire/udp.hh"

namespace lxnet {

// IPPROTO_UDP's options, plain words like those of Socket.
struct UdpOptions {
  bool no_check6_tx = false;  // UDP_NO_CHECK6_TX: over IPv6 without checksum (RFC 6935)
  bool no_check6_rx = false;
  bool receives_segments = false;  // UDP_GRO
  uint16_t segment_size = 0;       // UDP_SEGMENT; 0: none
  bool is_corked = false;          // UDP_CORK: set through set_cork()
  // UDP-Lite: how many bytes the checksum covers, from the header on; 0: all. Until set, everything is covered and taken.
  uint16_t send_coverage = 0;     // UDPLITE_SEND_CSCOV
  uint16_t receive_coverage = 0;  // UDPLITE_RECV_CSCOV: the least that is accepted
  bool has_send_coverage = false, has_receive_coverage = false;
  // UDP_ENCAP: what rides on the socket's packets besides the program's data.
  static constexpr uint8_t kNoEncapsulation = 0, kEspInUdp = 2, kL2tpInUdp = 3;
  uint8_t encapsulation = kNoEncapsulation;
};

class UdpSocket final : public DatagramSocket {
 public:
  static Result<Ref<Socket>> create(Entry& entry, IpFamily family, IpProtocol protocol);

  bool appends(Entry& entry) override;
  Result<> check_before_destination(Entry& entry, const SendRequest& request) override;
  Result<> check_before_control(Entry& entry, const SendRequest& request) override;
  Result<size_t> send(Entry& entry, SendRequest& request) override;
  // UDP_CORK. Taking the cork off sends what was collected.
  enum class Cork : uint8_t { Off, On };
  Result<> set_cork(Entry& entry, Cork cork);

  bool is_lite() const { return protocol() == static_cast<uint8_t>(IpProtocol::UdpLite); }

  UdpOptions udp_options;

 protected:
  void dispose_self() override;
  void discard_pending(Entry& entry) override REQUIRES(lock_);
  void redirect_pending(const IpAddress& destination, uint16_t port, const IpAddress& source) override REQUIRES(lock_);

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  // What MSG_MORE or UDP_CORK collects: one datagram whose destination and options the first piece chose.
  struct Pending {
    Ref<Packet> packet;
    SendPlan plan;
    Route route;                 // plan.route points here
    HeapArray<uint8_t> options;  // plan.ip.options points here
    uint16_t segment_size = 0;
    bool is_lost = false;  // its way leads to a group that nobody here is in, and its address elsewhere
    AppendCharge made;
  };

  static const CountersByFamily kCounters;
  UdpSocket(Stack& stack, IpFamily family, IpProtocol protocol);
  ~UdpSocket() = default;

  bool is_pending() const { return __atomic_load_n(&is_pending_, __ATOMIC_RELAXED); }
  void set_pending(bool is_pending) REQUIRES(lock_) { __atomic_store_n(&is_pending_, is_pending, __ATOMIC_RELAXED); }
  Result<> check_size_and_flags(const SendRequest& request) const;
  Result<> check_request(const SendRequest& request) const REQUIRES(lock_);
  bool leads_to_v4(const SendRequest& request) const REQUIRES(lock_);
  bool is_lost_to_v6(const SendRequest& request) const REQUIRES(lock_);
  bool keeps_way(const SendRequest& request) const REQUIRES(lock_);
  Result<size_t> send_owned(Entry& entry, SendRequest& request) REQUIRES(lock_);
  void count_full_buffer(Entry& entry, const SendPlan& plan);
  Result<> check_segments(const SendPlan& plan, size_t payload, uint16_t segment_size) const;
  Result<size_t> send_planned(Entry& entry, SendRequest& request, SendPlan& plan) REQUIRES(lock_);
  uint16_t segment_size_of(const SendRequest& request) const;
  bool may_send_as_before(const SendPlan& plan, size_t payload) const REQUIRES(lock_);
  Result<> transmit(Entry& entry, Ref<Packet> packet, SendPlan& plan, uint16_t segment_size) REQUIRES(lock_);
  void checksum_lite(Packet& packet, UdpHeader& header, uint16_t pseudo_sum) const;
  // UDP-Lite has no datagrams without.
  bool needs_checksum(bool is_v4) const { return is_lite() || (is_v4 ? !options->no_check_tx : !udp_options.no_check6_tx); }
  void complete_zero_copy() REQUIRES(lock_);
  // udp_cork.cc
  Result<size_t> append_pending(Entry& entry, SendRequest& request) REQUIRES(lock_);
  Result<> append_bytes(Entry& entry, IoSource& source) REQUIRES(lock_);
  Result<> start_pending(const SendPlan& plan, uint16_t segment_size) REQUIRES(lock_);
  Result<> grow_pending(size_t size) REQUIRES(lock_);
  Result<> push_pending(Entry& entry) REQUIRES(lock_);

  Pending pending_ GUARDED_BY(lock_);
  bool is_pending_ = false;  // pending_ holds something; written under lock_
  uint32_t next_zero_copy_ GUARDED_BY(lock_) = 0;
};

}  // namespace lxnet
