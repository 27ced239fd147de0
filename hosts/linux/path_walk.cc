// The kernel walks for us where nothing is in its way. It does not walk for us as the thread would: it follows no link of /proc
// to a file inside of a root that is given (/proc/self/fd/7 is the usual way to a name too long for an address), and /proc/self
// is ours. There we walk ourselves, name by name.
#include "hosts/linux/path_walk.hh"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {
namespace {

constexpr uint64_t kPath = O_PATH | O_CLOEXEC;
constexpr int kMostLinks = 40;       // MAXSYMLINKS
constexpr ino_t kProcRootInode = 1;  // PROC_ROOT_INO

int open_beneath(int start, const std::string& path, uint64_t flags, uint64_t resolve) {
  open_how how = {};
  how.flags = flags;
  how.resolve = resolve;
  const long fd = ::syscall(SYS_openat2, start, path.c_str(), &how, sizeof how);
  return fd >= 0 ? static_cast<int>(fd) : -errno;
}

OwnedFd open_of_thread(pid_t tid, const char* link) {
  return OwnedFd(open_beneath(AT_FDCWD, absl::StrCat("/proc/", tid, link), kPath | O_DIRECTORY, 0));
}

// Whether both are the same directory of the same mount.
bool is_same_place(int one, int other) {
  struct statx a = {}, b = {};
  constexpr unsigned kWanted = STATX_INO | STATX_MNT_ID;
  return ::statx(one, "", AT_EMPTY_PATH, kWanted, &a) == 0 && ::statx(other, "", AT_EMPTY_PATH, kWanted, &b) == 0 &&
         a.stx_ino == b.stx_ino && a.stx_mnt_id == b.stx_mnt_id;
}

bool is_of_proc(int fd) {
  struct statfs system;
  return ::fstatfs(fd, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

class Walk {
 public:
  Walk(pid_t tid, const ProcessStatus& status) : tid_(tid), status_(status), root_(open_of_thread(tid, "/root")) {}
  // A descriptor, or a negative errno.
  int go(const std::string& path);

 private:
  // Each: 0 or a negative errno.
  int begin(const std::string& path);
  int step(const std::string& name);
  int follow(OwnedFd link, const std::string& name);
  int jump(const std::string& name);
  // What is left of the path without its first name.
  std::string take_name();

  const pid_t tid_;
  const ProcessStatus& status_;
  const OwnedFd root_;
  OwnedFd at_;
  std::string rest_;
  int links_ = 0;
};

int Walk::begin(const std::string& path) {
  rest_ = path;
  if (path.starts_with('/')) at_ = OwnedFd(open_beneath(root_.get(), ".", kPath | O_DIRECTORY, 0));
  return at_.is_open() ? 0 : -ENOENT;
}

std::string Walk::take_name() {
  rest_.erase(0, std::min(rest_.find_first_not_of('/'), rest_.size()));
  const size_t end = std::min(rest_.find('/'), rest_.size());
  std::string name = rest_.substr(0, end);
  // A slash behind the last name says that it is a directory.
  rest_.erase(0, end);
  if (!rest_.empty() && rest_.find_first_not_of('/') == std::string::npos) rest_ = "/.";
  return name;
}

int Walk::go(const std::string& path) {
  if (!root_.is_open()) return root_.get();
  at_ = open_of_thread(tid_, "/cwd");
  int error = begin(path);
  while (error == 0 && rest_.find_first_not_of('/') != std::string::npos) error = step(take_name());
  return error == 0 ? at_.take() : error;
}

int Walk::step(const std::string& name) {
  if (name == ".." && is_same_place(at_.get(), root_.get())) return 0;
  OwnedFd next(open_beneath(at_.get(), name, kPath | O_NOFOLLOW, 0));
  if (!next.is_open()) return next.get();
  struct stat status;
  if (::fstat(next.get(), &status) != 0) return -errno;
  if (S_ISLNK(status.st_mode)) return follow(std::move(next), name);
  at_ = std::move(next);
  return 0;
}

int Walk::follow(OwnedFd link, const std::string& name) {
  if (++links_ > kMostLinks) return -ELOOP;
  char text[PATH_MAX];
  const ssize_t size = ::readlinkat(link.get(), "", text, sizeof text);
  if (size < 0) return -errno;
  std::string target(text, static_cast<size_t>(size));
  if (is_of_proc(link.get())) {
    struct stat directory;
    if (::fstat(at_.get(), &directory) != 0) return -errno;
    const bool is_in_root = directory.st_ino == kProcRootInode;
    if (is_in_root && name == "self") {
      target = absl::StrCat(status_.own_tgid);
    } else if (is_in_root && name == "thread-self") {
      target = absl::StrCat(status_.own_tgid, "/task/", status_.own_tid);
    } else if (open_beneath(at_.get(), name, kPath, RESOLVE_NO_MAGICLINKS) == -ELOOP) {
      return jump(name);
    }
  }
  if (target.empty()) return -ENOENT;
  return begin(absl::StrCat(target, rest_));
}

// A link of /proc/<pid> that is no text but the file itself. We may look into whatever we serve; a user may only into what is
// his.
int Walk::jump(const std::string& name) {
  struct stat directory;
  if (::fstat(at_.get(), &directory) != 0) return -errno;
  if (status_.fsuid != 0 && status_.fsuid != directory.st_uid) return -EACCES;
  OwnedFd file(open_beneath(at_.get(), name, kPath, 0));
  if (!file.is_open()) return file.get();
  at_ = std::move(file);
  return 0;
}

}  // namespace

int open_path(pid_t tid, const ProcessStatus& status, const std::string& path, uint64_t flags) {
  if (path.empty()) return -ENOENT;
  const bool is_absolute = path.starts_with('/');
  const OwnedFd start = open_of_thread(tid, is_absolute ? "/root" : "/cwd");
  if (!start.is_open()) return start.get();
  const int fd = open_beneath(start.get(), path, kPath | flags, is_absolute ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
  // EXDEV: a link of /proc, or a way out of the directory. ENOENT: perhaps of /proc/self, which is not ours to ask.
  if (fd != -EXDEV && fd != -ENOENT && fd != -ELOOP) return fd;
  OwnedFd found(Walk(tid, status).go(path));
  if (!found.is_open() || (flags & O_DIRECTORY) == 0) return found.take();
  return open_beneath(found.get(), ".", kPath | O_DIRECTORY, 0);
}

}  // namespace lxnet::host
