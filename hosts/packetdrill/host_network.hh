// HostNetwork: the routes and the MTU that commands in scripts give the host's tun0, which the stack takes over from there, so
// that such scripts run unchanged.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "hosts/sim/host.hh"

namespace lxnet::packetdrill {

class HostNetwork {
 public:
  // Of a host whose device has been made: what is there now is what packetdrill itself set up.
  HostNetwork(sim::Host& host, uint32_t mtu);
  ~HostNetwork();
  HostNetwork(const HostNetwork&) = delete;
  HostNetwork& operator=(const HostNetwork&) = delete;

  // Takes over what is new.
  void follow();

 private:
  std::set<std::string> read_routes() const;
  uint32_t read_mtu() const;
  void set_mtu(uint32_t mtu);
  void send_route(uint16_t type, uint16_t flags, const std::string& body);
  int ask_stack(const std::string& message);

  sim::Host& host_;
  int host_fd_;       // NETLINK_ROUTE, the host's
  long own_fd_ = -1;  // lxnet's
  uint32_t host_index_ = 0, own_index_ = 0;
  uint32_t mtu_;
  std::set<std::string> routes_;  // bodies of RTM_NEWROUTE
};

}  // namespace lxnet::packetdrill
