// SocketSet: every socket of a stack. Finds the receiver of a packet in O(1): connected 4-tuple, then listener, then wildcard.
#pragma once

#include "stack/socket.hh"

namespace lxnet {

class SocketSet {
 public:
  explicit SocketSet(Stack& stack) : stack_(stack) {}

 private:
  [[maybe_unused]] Stack& stack_;
};

}  // namespace lxnet
