// AF_UNIX names in the file system: socket nodes, made and found as the calling thread would (its root, directory, umask and
// user).
#pragma once

#include <cstdint>

#include "hosts/linux/call.hh"

namespace lxnet::host {

// 0, or a negative errno as bind() gives it. node: device and inode.
int create_socket_node(const Call& call, const char* path, uint64_t node[2]);
// 0, or a negative errno as connect() gives it.
int find_socket_node(const Call& call, const char* path, uint64_t node[2]);

// Takes back what create_socket_node() made.
void remove_socket_node(const Call& call, const char* path);

}  // namespace lxnet::host
