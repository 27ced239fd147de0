// Settings: what packetdrill knows of its network and does not tell a library: the MTU and the local address. They are read where
// packetdrill reads them: its command line, and the options at the head of the script.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lxnet::packetdrill {

struct Settings {
  uint32_t mtu = 1500;
  bool segments_tcp = false;  // the device takes packets of many segments, as Linux's tun does
  uint64_t seed = 1;
  std::vector<std::string> addresses;  // with prefix
  // What packetdrill routes through its device, and by whom: of IPv4 and of IPv6.
  struct Way {
    std::string destination, gateway;
  };
  Way ways[2] = {{"192.0.2.0/24", "192.168.0.1"}, {"2001:db8::/32", "fd3d:fa7b:d17d:8888::"}};
  bool follows_host = true;  // the tunables are those of the network namespace that packetdrill runs in
  std::vector<std::pair<std::string, std::string>> tunables;
};

// `flags` is --so_flags: words separated by commas or spaces: seed=N, mtu=N, tunables=own, net.ipv4.NAME=VALUE (with ':' for
// spaces in a value). What it does not understand ends the program with a message.
Settings read_settings(const char* flags);

}  // namespace lxnet::packetdrill
