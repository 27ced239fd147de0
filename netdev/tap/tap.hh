// Tap: an Ethernet device of the Linux host's as an interface of a stack: what lxnet sends, the host's network receives, and the
// other way round. A thread reads. Needs CAP_NET_ADMIN, and creates the host's interface in the network namespace of its caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "hal/lxnet.h"

namespace lxnet {

class Tap {
 public:
  // The host's interface `host_name`, and the stack's `name`, both down. Throws std::system_error.
  Tap(lxnet_stack* stack, const std::string& name, const std::string& host_name);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // Asked for each frame, on any thread, when set before the interface is up: true loses it.
  std::function<bool()> loses_sent, loses_received;

 private:
  static int transmit(void* context, const lxnet_iovec* pieces, uint32_t count);
  void read_frames();

  int fd_ = -1;
  int stop_ = -1;  // an eventfd that ends the reader
  lxnet_netdev* device_ = nullptr;
  std::thread reader_;
};

}  // namespace lxnet
