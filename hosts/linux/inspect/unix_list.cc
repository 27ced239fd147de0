#include "hosts/linux/inspect/unix_list.hh"

#include <unordered_map>

#include "absl/strings/str_format.h"
#include "hosts/linux/file_table.hh"
// The core's headers remove errno's macros.
#include "compat/afunix/unix_report.hh"

namespace lxnet::host {
namespace {

constexpr unsigned kAccepting = 1u << 16;                                                  // __SO_ACCEPTCON
constexpr unsigned kUnconnected = 1, kConnecting = 2, kConnected = 3, kDisconnecting = 4;  // SS_*

// A zero of an abstract name is an @, and so is the one before it.
std::string shown_name(const SockAddr& name) {
  if (name.size() <= 2) return "";
  std::string text(reinterpret_cast<const char*>(name.bytes().data()) + 2, name.size() - 2);
  if (text[0] != '\0') text.pop_back();  // the terminator counts as part of a path
  for (char& letter : text) letter = letter == '\0' ? '@' : letter;
  return " " + text;
}

}  // namespace

std::string unix_socket_lines(lxnet_stack* stack, const FileTable& files) {
  std::unordered_map<const void*, ino_t> inodes;
  files.for_each([&](lxnet_file* file, ino_t inode) { inodes.emplace(File::from_c(file), inode); });
  std::string out = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  UnixReports::for_each(UnixDomain::of(*reinterpret_cast<Stack*>(stack)), [&](const UnixReport& socket) {
    const unsigned state = socket.file != nullptr ? (socket.is_connected ? kConnected : kUnconnected)
                                                  : (socket.is_connected ? kConnecting : kDisconnecting);
    const auto found = inodes.find(socket.file);
    absl::StrAppendFormat(&out, "%016x: %08X %08X %08X %04X %02X %5u%s\n", 0, socket.references, 0,
                          socket.is_listening ? kAccepting : 0, socket.type, state, found == inodes.end() ? 0 : found->second,
                          shown_name(socket.name));
  });
  return out;
}

}  // namespace lxnet::host
