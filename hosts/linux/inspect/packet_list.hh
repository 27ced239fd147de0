// The packet sockets of a stack, as /proc/net/packet shows them.
#pragma once

#include <string>

#include "hal/lxnet.h"

namespace lxnet::host {

class FileTable;

std::string packet_socket_lines(lxnet_stack* stack, const FileTable& files);

}  // namespace lxnet::host
