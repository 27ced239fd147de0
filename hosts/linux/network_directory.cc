#include "hosts/linux/network_directory.hh"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace lxnet::host {
namespace {

constexpr size_t kLongestMessage = 64 * 1024;

absl::StatusOr<sockaddr_un> address_of(const std::string& name) {
  if (absl::Status status = check_network_name(name); !status.ok()) return status;
  absl::StatusOr<std::string> directory = network_directory();
  if (!directory.ok()) return directory.status();
  std::string path = absl::StrCat(*directory, "/", name);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return absl::InvalidArgumentError(absl::StrCat(path, " is too long"));
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

OwnedFd new_socket(int flags) { return OwnedFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)); }

}  // namespace

absl::Status check_network_name(const std::string& name) {
  bool is_good = !name.empty() && name.size() <= 32 && name.front() != '.' && name.front() != '-';
  for (char c : name)
    is_good = is_good && (absl::ascii_isalnum(static_cast<unsigned char>(c)) || std::strchr("_-.", c) != nullptr);
  if (is_good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is not a network's name: letters, digits, '_', '-' and '.', up to 32"));
}

absl::StatusOr<std::string> network_directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  std::string directory =
      runtime != nullptr && *runtime != '\0' ? absl::StrCat(runtime, "/lxnet") : absl::StrCat("/tmp/lxnet-", ::geteuid());
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return absl::ErrnoToStatus(errno, directory);
  struct stat status;
  if (::lstat(directory.c_str(), &status) != 0) return absl::ErrnoToStatus(errno, directory);
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(absl::StrCat(directory, " is not a directory that only you can use"));
  }
  return directory;
}

absl::StatusOr<std::vector<std::string>> list_networks() {
  absl::StatusOr<std::string> directory = network_directory();
  if (!directory.ok()) return directory.status();
  std::vector<std::string> names;
  DIR* entries = ::opendir(directory->c_str());
  while (dirent* entry = entries == nullptr ? nullptr : ::readdir(entries)) {
    if (entry->d_type == DT_SOCK && connect_network(entry->d_name).ok()) names.push_back(entry->d_name);
  }
  if (entries != nullptr) ::closedir(entries);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<OwnedFd> connect_network(const std::string& name) {
  absl::StatusOr<sockaddr_un> address = address_of(name);
  if (!address.ok()) return address.status();
  OwnedFd socket = new_socket(0);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&*address), sizeof *address) == 0) return socket;
  return absl::NotFoundError(absl::StrCat("there is no network '", name, "'"));
}

absl::StatusOr<OwnedFd> listen_network(const std::string& name) {
  absl::StatusOr<sockaddr_un> address = address_of(name);
  if (!address.ok()) return address.status();
  ::unlink(address->sun_path);
  OwnedFd socket = new_socket(SOCK_NONBLOCK);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&*address), sizeof *address) != 0 || ::listen(socket.get(), 64) != 0) {
    return absl::ErrnoToStatus(errno, address->sun_path);
  }
  return socket;
}

void remove_network(const std::string& name) {
  if (absl::StatusOr<sockaddr_un> address = address_of(name); address.ok()) ::unlink(address->sun_path);
}

absl::StatusOr<OwnedFd> lock_networks() {
  absl::StatusOr<std::string> directory = network_directory();
  if (!directory.ok()) return directory.status();
  OwnedFd lock(::open(absl::StrCat(*directory, "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX) != 0) return absl::ErrnoToStatus(errno, *directory);
  return lock;
}

bool send_message(int socket, const std::string& text, int fd) {
  iovec data = {.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::string receive_message(int socket, OwnedFd* fd) {
  std::string text(kLongestMessage, '\0');
  iovec data = {.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); size > 0 && header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int passed;
    std::memcpy(&passed, CMSG_DATA(header), sizeof passed);
    OwnedFd received(passed);
    if (fd != nullptr) *fd = std::move(received);
  }
  return text;
}

}  // namespace lxnet::host
