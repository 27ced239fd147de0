#include "hosts/linux/tun_opening.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include <algorithm>

#include "hosts/linux/process_status.hh"

namespace lxnet::host {
namespace {

constexpr const char* kNode = "/dev/net/tun";

// As the kernel's generic_permission().
bool may_open(const ProcessStatus& caller, const struct stat& node, uint64_t flags) {
  if ((caller.effective_capabilities >> CAP_DAC_OVERRIDE & 1) != 0) return true;
  const bool is_in_group =
      caller.egid == node.st_gid || std::find(caller.groups.begin(), caller.groups.end(), node.st_gid) != caller.groups.end();
  const unsigned shift = caller.euid == node.st_uid ? 6 : is_in_group ? 3 : 0;
  const uint64_t access = flags & O_ACCMODE;
  const unsigned wanted = access == O_RDONLY ? 4u : access == O_WRONLY ? 2u : 6u;
  return (node.st_mode >> shift & wanted) == wanted;
}

}  // namespace

TunOpening check_tun_opening(const OpenRequest& request, const Call& call) {
  if (request.path != kNode || (request.flags & O_PATH) != 0) return {};
  if ((request.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return {.is_ours = true, .error = -EEXIST};
  if ((request.flags & O_DIRECTORY) != 0) return {.is_ours = true, .error = -ENOTDIR};
  struct stat node;
  if (::stat(kNode, &node) != 0) return {.is_ours = true};
  const std::optional<ProcessStatus> caller = read_process_status(call.tid());
  const bool is_allowed = caller && may_open(*caller, node, request.flags);
  return {.is_ours = true, .error = is_allowed ? 0 : -EACCES};
}

}  // namespace lxnet::host
