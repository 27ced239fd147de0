// The Internet sockets of a stack as ss and /proc/net/* show them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "hal/lxnet.h"
#include "stack/socket_diagnosis.hh"

namespace lxnet::host {

class FileTable;

struct SocketEntry {
  enum class Kind : uint8_t { Tcp, Udp, UdpLite, Icmp, Raw };
  Kind kind{};
  bool is_v6 = false;       // of the socket, whatever its addresses
  bool is_v6_only = false;  // a wildcard of AF_INET6 that takes no IPv4
  uint8_t state = 0;        // Linux's TCP number; 7, as Linux shows them, of the others that are not connected
  uint32_t receive_queue = 0, send_queue = 0;
  uint8_t local_address[16] = {}, remote_address[16] = {};  // IPv4 is mapped
  uint16_t local_port = 0, remote_port = 0;
  uint32_t uid = 0;
  ino_t inode = 0;  // of the program's end; 0 when no program has it open
  SocketDiagnosis told = {};
  uint32_t drops = 0;
};

std::vector<SocketEntry> list_sockets(lxnet_stack* stack, const FileTable& files);

const char* state_name(uint8_t state);  // "LISTEN", "ESTAB" ...: as ss
const char* kind_name(SocketEntry::Kind kind);
std::string local_name(const SocketEntry& entry);
std::string remote_name(const SocketEntry& entry);

}  // namespace lxnet::host
