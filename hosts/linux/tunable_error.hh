// What lxnet_tunable_set()'s errors mean to whoever typed --sysctl.
#pragma once

#include <errno.h>

#include <cstring>
#include <string>

namespace lxnet::host {

inline std::string tunable_error(int negative_errno) {
  if (negative_errno == -ENOENT) return "there is no such tunable";
  if (negative_errno == -EINVAL || negative_errno == -ERANGE) return "it does not take that value";
  return std::strerror(-negative_errno);
}

}  // namespace lxnet::host
