#include "hosts/linux/socket_node.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "hosts/linux/landlock/domain.hh"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/path_walk.hh"
#include "hosts/linux/process_status.hh"

namespace lxnet::host {
namespace {

// The file system checks the thread's user, not ours; for the calling thread of ours alone. Without privilege both are the same
// and this does nothing.
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

uint64_t mix(uint64_t hash, const void* bytes, size_t size) {
  for (size_t i = 0; i < size; i++) hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3u;  // FNV-1a
  return hash;
}

// Device and inode are not enough: an inode's number is given to another file as soon as the first is unlinked, while a socket
// may still be bound to it. The file handle has the generation too.
int identify(int fd, uint64_t node[2]) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return -errno;
  if (!S_ISSOCK(status.st_mode)) return -ECONNREFUSED;
  constexpr int kIdentifierOnly = 0x200;  // AT_HANDLE_FID: also of file systems that nobody exports
  union {
    file_handle handle;
    char room[sizeof(file_handle) + MAX_HANDLE_SZ];
  } where = {};
  where.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  node[0] = status.st_dev;
  if (::name_to_handle_at(fd, "", &where.handle, &mount, AT_EMPTY_PATH | kIdentifierOnly) == 0) {
    node[0] = mix(node[0] ^ 0xcbf29ce484222325u, where.handle.f_handle, where.handle.handle_bytes);
  }
  node[1] = status.st_ino;
  return 0;
}

// Where a path's last component is to be made.
struct Place {
  std::string directory, name;
  bool has_trailing_slash = false;
};
Place place_of(std::string path) {
  Place place;
  while (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
    place.has_trailing_slash = true;
  }
  size_t slash = path.rfind('/');
  place.directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  return place;
}

// The node is made by binding the program's end of the pair to it: with the permissions that fchmod() gave that end, and so that
// SIOCUNIXFILE, which the kernel answers, opens it. A name too long to be reached through /proc, or a second one, which the core
// refuses later, needs a node without a socket.
int make_node(const OwnedFd& end, int parent, const std::string& name) {
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  std::string path = absl::StrCat("/proc/self/fd/", parent, "/", name);
  if (end.is_open() && path.size() < sizeof address.sun_path) {
    path.copy(address.sun_path, path.size());
    if (::bind(end.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return 0;
    if (errno == EADDRINUSE) return -EADDRINUSE;
  }
  struct stat status;
  mode_t mode = end.is_open() && ::fstat(end.get(), &status) == 0 ? status.st_mode & 07777 : 0777;
  return ::mknodat(parent, name.c_str(), S_IFSOCK | mode, 0) == 0 ? 0 : -errno;
}

}  // namespace

int create_socket_node(const Call& call, const char* path, uint64_t node[2]) {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status) return -ESRCH;
  Place place = place_of(path);
  if (*path == '\0') return -ENOENT;
  if (place.name.empty()) return -EADDRINUSE;  // the root

  ActAs user(*status);
  OwnedFd parent(open_path(call.tid(), *status, place.directory, O_DIRECTORY));
  if (!parent.is_open()) return parent.get();
  struct stat existing;
  if (place.has_trailing_slash) {
    // Such a name is of a directory: nothing but one that exists can have it.
    return ::fstatat(parent.get(), place.name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0 ? -EADDRINUSE : -errno;
  }
  OwnedFd end(call.found_fd < 0 ? -EBADF : call.task->copy_fd(call.found_fd));
  mode_t old_mask = ::umask(static_cast<mode_t>(status->umask));
  const auto make = [&] {
    ActAs same_user(*status);
    return make_node(end, parent.get(), place.name);
  };
  int made = call.task->domain == nullptr ? make() : call.task->domain->run(make);
  ::umask(old_mask);
  if (made != 0) return made == -EEXIST ? -EADDRINUSE : made;
  OwnedFd created(::openat(parent.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return created.is_open() ? identify(created.get(), node) : -errno;
}

void remove_socket_node(const Call& call, const char* path) {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status) return;
  Place place = place_of(path);
  ActAs user(*status);
  OwnedFd parent(open_path(call.tid(), *status, place.directory, O_DIRECTORY));
  if (parent.is_open()) ::unlinkat(parent.get(), place.name.c_str(), 0);
}

int find_socket_node(const Call& call, const char* path, uint64_t node[2]) {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status) return -ESRCH;
  ActAs user(*status);
  OwnedFd found(open_path(call.tid(), *status, path, 0));
  if (!found.is_open()) return found.get();
  // AT_EACCESS: by the file system user just taken on.
  if (::syscall(SYS_faccessat2, found.get(), "", W_OK, AT_EACCESS | AT_EMPTY_PATH) != 0) return -errno;
  return identify(found.get(), node);
}

}  // namespace lxnet::host
