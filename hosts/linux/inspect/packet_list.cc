#include "hosts/linux/inspect/packet_list.hh"

#include <unordered_map>

#include "absl/strings/str_format.h"
#include "hosts/linux/file_table.hh"
// The core's headers remove errno's macros.
#include "compat/afpacket/packet_socket.hh"

namespace lxnet::host {

std::string packet_socket_lines(lxnet_stack* stack, const FileTable& files) {
  struct Lines {
    std::unordered_map<const File*, ino_t> inodes;
    std::string out = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n";
  } lines;
  files.for_each([&](lxnet_file* file, ino_t inode) { lines.inodes.emplace(File::from_c(file), inode); });
  constexpr auto kAppend = [](void* context, const PacketReport& socket) {
    auto& to = *static_cast<Lines*>(context);
    const auto found = to.inodes.find(socket.file);
    // Whoever runs holds a second count, as on Linux.
    absl::StrAppendFormat(&to.out, "%016x %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6u\n", 0, socket.is_running ? 3 : 2, socket.type,
                          socket.protocol, socket.interface_index, socket.is_running ? 1 : 0, socket.receive_held, socket.uid,
                          found == to.inodes.end() ? 0 : found->second);
  };
  PacketDomain::of(*reinterpret_cast<Stack*>(stack)).report(kAppend, &lines);
  return lines.out;
}

}  // namespace lxnet::host
