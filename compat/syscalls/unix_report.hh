// What is told of an AF_UNIX socket: the family's archive fills it in, netlink's and the host's lists print it.
#pragma once

#include "compat/syscalls/sockaddr.hh"

namespace lxnet {

class File;

struct UnixReport {
  const void* socket = nullptr;  // who it is, to be compared only
  const void* peer = nullptr;
  const File* file = nullptr;  // null while nobody has accepted the connection
  uint64_t cookie = 0, peer_cookie = 0;
  int type = 0;
  bool is_listening = false, is_connected = false;
  uint8_t shut = 0;  // 1: receives no more; 2: sends no more
  SockAddr name;     // empty without one
  // Of a listener: connections that wait and how many may; else bytes to read and bytes the buffer is charged.
  uint32_t receive_queue = 0, send_queue = 0;
  uint32_t send_buffer = 0, receive_buffer = 0, send_memory = 0;
  uint32_t uid = 0;
  uint32_t references = 0;
};

}  // namespace lxnet
