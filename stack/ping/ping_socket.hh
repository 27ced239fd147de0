// PingSocket: ICMP echo without privilege (Linux's ping sockets, net.ipv4.ping_group_range).
//
// A program sends echo requests and receives their replies. The identifier is the port: what the program writes there is
// replaced, so that it can hear no other's replies. Not implemented: extended echo (RFC 8335).
#pragma once

#include "stack/datagram/datagram_socket.hh"

namespace lxnet {

class PingSocket final : public DatagramSocket {
 public:
  // EACCES: no group of the task's is in the range.
  static Result<Ref<Socket>> create(Entry& entry, IpFamily family);

  Result<> bind(Entry& entry, const Endpoint& local) override;
  Result<> check_before_destination(Entry& entry, const SendRequest& request) override;
  Result<> check_before_control(Entry& entry, const SendRequest& request) override;
  Result<size_t> send(Entry& entry, SendRequest& request) override;
  Result<size_t> receive(Entry& entry, ReceiveRequest& request) override;

  // The later it took its identifier, the larger.
  uint64_t listed_as() const { return __atomic_load_n(&listed_as_, __ATOMIC_RELAXED); }

 protected:
  void dispose_self() override;
  Result<> relist() override REQUIRES(lock_);

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);

  PingSocket(Stack& stack, IpFamily family);
  ~PingSocket() = default;

  Result<> check_address(Entry& entry, const Endpoint& local) REQUIRES(lock_);
  Result<> check_size_and_header(const SendRequest& request) const;
  Result<> check_destination(const SendRequest& request) const REQUIRES(lock_);
  void finish_message(Packet& packet, const SendPlan& plan) REQUIRES(lock_);

  uint64_t listed_as_ = 0;  // written under lock_
};

}  // namespace lxnet
