// What a program does with setsockopt(): options to be written of one socket.
#pragma once

#include "stack/stack.hh"

namespace lxnet {

template <typename T>
T& own(Socket& socket, OptionSet<T>& options) {
  return *options.change(socket.stack().hal()).take();
}

}  // namespace lxnet
