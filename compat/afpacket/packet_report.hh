// What /proc/net/packet says of a packet socket.
#pragma once

#include <cstdint>

namespace lxnet {

class File;

struct PacketReport {
  const File* file = nullptr;  // who it is, to be compared only
  int type = 0;                // SOCK_*
  uint16_t protocol = 0;       // ETH_P_*
  int32_t interface_index = 0;
  bool is_running = false;
  uint32_t receive_held = 0;
  uint32_t uid = 0;
};

}  // namespace lxnet
