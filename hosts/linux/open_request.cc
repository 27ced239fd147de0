#include "hosts/linux/open_request.hh"

#include <cstring>
#include <string_view>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

constexpr std::string_view kBeginnings[] = {"/proc/", "/dev/n"};
constexpr size_t kLongestPath = 256;  // of ours

std::string read_path(pid_t tid, uint64_t address) {
  char text[kLongestPath] = {};
  const std::string_view beginning(text, kBeginnings[0].size());
  if (copy_from_task(tid, text, address, beginning.size()) != 0) return "";
  if (beginning != kBeginnings[0] && beginning != kBeginnings[1]) return "";
  // As far as there is memory.
  copy_from_task(tid, text, address, sizeof text - 1);
  return ::strnlen(text, sizeof text) < sizeof text - 1 ? text : "";
}

}  // namespace

std::optional<OpenRequest> read_open_request(const Call& call) {
  static_assert(kBeginnings[0].size() == kBeginnings[1].size());
  const auto* arguments = call.notice.data.args;
  const bool is_plain = std::strcmp(call.row.name, "open") == 0;
  OpenRequest request{.path = read_path(call.tid(), arguments[is_plain ? 0 : 1]), .flags = arguments[is_plain ? 1 : 2]};
  if (request.path.empty()) return std::nullopt;
  // struct open_how begins with the flags.
  const bool is_read = std::strcmp(call.row.name, "openat2") != 0 ||
                       copy_from_task(call.tid(), &request.flags, arguments[2], sizeof request.flags) == 0;
  return is_read ? std::optional(request) : std::nullopt;
}

}  // namespace lxnet::host
