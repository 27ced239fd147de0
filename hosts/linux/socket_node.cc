#include "hosts/linux/socket_node.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/process_status.hh"

namespace lxnet::host {
namespace {

// The file system checks the thread's user, not ours. Without privilege both are the same and this does nothing.
class ActAs {
 public:
  explicit ActAs(const ProcessStatus& status) : uid_(::setfsuid(status.fsuid)), gid_(::setfsgid(status.fsgid)) {}
  ~ActAs() {
    ::setfsuid(static_cast<uid_t>(uid_));
    ::setfsgid(static_cast<gid_t>(gid_));
  }
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;

 private:
  int uid_, gid_;
};

// The path as an O_PATH descriptor, or a negative errno.
int resolve(pid_t tid, const std::string& path, uint64_t flags) {
  bool is_absolute = path.starts_with('/');
  OwnedFd start(::open(absl::StrCat("/proc/", tid, is_absolute ? "/root" : "/cwd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!start.is_open()) return -errno;
  open_how how = {};
  how.flags = flags | O_PATH | O_CLOEXEC;
  how.resolve = is_absolute ? RESOLVE_IN_ROOT : 0;
  long fd = ::syscall(SYS_openat2, start.get(), path.c_str(), &how, sizeof how);
  return fd >= 0 ? static_cast<int>(fd) : -errno;
}

int identify(int fd, uint64_t node[2]) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return -errno;
  if (!S_ISSOCK(status.st_mode)) return -ECONNREFUSED;
  node[0] = status.st_dev;
  node[1] = status.st_ino;
  return 0;
}

}  // namespace

int create_socket_node(const Call& call, const char* path, uint64_t node[2]) {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status) return -ESRCH;
  std::string whole = path;
  size_t slash = whole.rfind('/');
  std::string directory = slash == std::string::npos ? "." : whole.substr(0, slash + 1);
  std::string name = slash == std::string::npos ? whole : whole.substr(slash + 1);
  if (name.empty()) return whole.empty() ? -ENOENT : -EADDRINUSE;

  ActAs user(*status);
  OwnedFd parent(resolve(call.tid(), directory, O_DIRECTORY));
  if (!parent.is_open()) return parent.get();
  mode_t old_mask = ::umask(static_cast<mode_t>(status->umask));
  int made = ::mknodat(parent.get(), name.c_str(), S_IFSOCK | 0777, 0) == 0 ? 0 : -errno;
  ::umask(old_mask);
  if (made != 0) return made == -EEXIST ? -EADDRINUSE : made;
  OwnedFd created(::openat(parent.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return created.is_open() ? identify(created.get(), node) : -errno;
}

int find_socket_node(const Call& call, const char* path, uint64_t node[2]) {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status) return -ESRCH;
  ActAs user(*status);
  OwnedFd found(resolve(call.tid(), path, 0));
  if (!found.is_open()) return found.get();
  // AT_EACCESS: by the file system user just taken on.
  if (::syscall(SYS_faccessat2, found.get(), "", W_OK, AT_EACCESS | AT_EMPTY_PATH) != 0) return -errno;
  return identify(found.get(), node);
}

}  // namespace lxnet::host
