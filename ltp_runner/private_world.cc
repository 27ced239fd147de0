#include "ltp_runner/private_world.hh"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace lxnet::ltp {
namespace {

int mounted(const char* type, const char* where, const char* data = "") {
  return ::mount(type, where, type, MS_NOSUID | MS_NODEV, data) == 0 ? 0 : errno;
}

// getaddrinfo_01 rewrites /etc/hosts in place, so every test gets its own copy of /etc.
int private_etc() {
  constexpr char kCopy[] = "/dev/shm/.etc";
  std::error_code error;
  std::filesystem::copy("/etc", kCopy, std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks,
                        error);
  if (error) return error.value();
  return ::mount(kCopy, "/etc", nullptr, MS_BIND, nullptr) == 0 ? 0 : errno;
}

int raise_loopback() {
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  int result = ::ioctl(fd, SIOCGIFFLAGS, &request);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (result == 0) result = ::ioctl(fd, SIOCSIFFLAGS, &request);
  int error = result == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

}  // namespace

int enter_private_world() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return errno;
  pid_t first = ::fork();
  if (first < 0) return errno;
  if (first > 0) {
    // SIGTERM's own effect is what is wanted: the first process dies with us, and its namespace with it.
    int status = 0;
    while (::waitpid(first, &status, 0) < 0 && errno == EINTR) {
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  if (int error = mounted("proc", "/proc"); error != 0) return error;
  if (int error = mounted("tmpfs", "/dev/shm", "mode=1777"); error != 0) return error;
  if (int error = private_etc(); error != 0) return error;
  return raise_loopback();
}

}  // namespace lxnet::ltp
