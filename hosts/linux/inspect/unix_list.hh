// The AF_UNIX sockets of a stack that serves them, as /proc/net/unix shows them.
#pragma once

#include <string>

#include "hal/lxnet.h"

namespace lxnet::host {

class FileTable;

std::string unix_socket_lines(lxnet_stack* stack, const FileTable& files);

}  // namespace lxnet::host
