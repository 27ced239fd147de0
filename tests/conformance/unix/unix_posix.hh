// Names, pairs and messages of AF_UNIX for the tests of this folder.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <string>
#include <vector>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

// Since Linux 6.16 and 6.17.
inline constexpr int kPassRights = 83, kReportUnread = 84, kPassPidfd = 76, kPeerPidfd = 77, kScmPidfd = 4;
inline constexpr unsigned long kBytesReadable = 0x541b, kBytesUnsent = 0x5411, kAtMark = 0x8905, kOpenNode = 0x89e0;

inline std::string type_name(int type) { return type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "seqpacket"; }

struct Name {
  sockaddr_un address{};
  socklen_t length = sizeof(sa_family_t);

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&address); }
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&address); }
  std::string text() const {
    return length <= 2 ? std::string() : std::string(address.sun_path, length - offsetof(sockaddr_un, sun_path));
  }
};

inline Name name_from(const std::string& bytes) {
  Name name;
  name.address.sun_family = AF_UNIX;
  bytes.copy(name.address.sun_path, sizeof name.address.sun_path);
  name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes.size());
  return name;
}
inline Name autobind_name() { return name_from(""); }
inline Name abstract_name(const std::string& text) {
  return name_from(std::string(1, '\0') + text + "." + std::to_string(::getpid()));
}

// A directory that goes when the test does.
class Directory {
 public:
  Directory() {
    char path[] = "/tmp/lxnet-unix-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~Directory() {
    for (const std::string& file : files_) ::unlink(file.c_str());
    ::rmdir(path_.c_str());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) {
    files_.push_back(path_ + "/" + name);
    return files_.back();
  }
  Name name(const std::string& text) { return name_from(file(text) + '\0'); }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

inline long bind_name(int fd, const Name& name) { return answer(::bind(fd, name.raw(), name.length)); }
inline long connect_name(int fd, const Name& name) { return answer(::connect(fd, name.raw(), name.length)); }
inline Name name_of_socket(int fd) {
  Name name;
  name.length = sizeof name.address;
  if (::getsockname(fd, name.raw(), &name.length) != 0) name.length = 0;
  return name;
}
inline Fd unix_socket(int type) { return Fd(::socket(AF_UNIX, type | SOCK_NONBLOCK, 0)); }

struct Pair {
  Fd a, b;
};
inline Pair make_pair_of(int type) {
  int ends[2] = {-1, -1};
  ::socketpair(AF_UNIX, type, 0, ends);
  return {Fd(ends[0]), Fd(ends[1])};
}

template <typename Value>
long set(int fd, int option, Value value) {
  return answer(::setsockopt(fd, SOL_SOCKET, option, &value, sizeof value));
}
inline long get(int fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -errno;
}
inline long ask(int fd, unsigned long command) {
  int value = -1;
  return ::ioctl(fd, command, &value) == 0 ? value : -errno;
}

// Control messages to send, well formed or not.
class Control {
 public:
  Control& add(int type, const void* data, size_t size) {
    const size_t at = bytes_.size();
    bytes_.resize(at + CMSG_SPACE(size));
    auto* header = reinterpret_cast<cmsghdr*>(bytes_.data() + at);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    if (size != 0) std::memcpy(CMSG_DATA(header), data, size);
    return *this;
  }
  Control& rights(const std::vector<int>& fds) { return add(SCM_RIGHTS, fds.data(), fds.size() * sizeof(int)); }
  Control& credentials(const ucred& who) { return add(SCM_CREDENTIALS, &who, sizeof who); }
  std::vector<char>& bytes() { return bytes_; }

 private:
  std::vector<char> bytes_;
};

inline long send_with(int fd, const std::string& text, Control control, int flags = MSG_NOSIGNAL) {
  std::string copy = text;
  iovec vector{copy.data(), copy.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes().empty() ? nullptr : control.bytes().data();
  message.msg_controllen = control.bytes().size();
  return answer(::sendmsg(fd, &message, flags));
}

// What recvmsg() gave; descriptors are closed with it.
struct Received {
  long result = 0;
  std::string text;
  int flags = 0;
  Name name;
  size_t control_size = 0;
  std::vector<Fd> fds;
  bool has_credentials = false;
  ucred credentials{};
  Fd process;
  bool has_process = false;
  long unread = -1;
};

inline void read_controls(Received& received, msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    const size_t size = header->cmsg_len - CMSG_LEN(0);
    if (header->cmsg_type == SCM_RIGHTS) {
      for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header) + i, sizeof fd);
        received.fds.emplace_back(fd);
      }
    } else if (header->cmsg_type == SCM_CREDENTIALS) {
      received.has_credentials = true;
      std::memcpy(&received.credentials, CMSG_DATA(header), std::min(size, sizeof(ucred)));
    } else if (header->cmsg_type == kScmPidfd) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      received.process = Fd(fd);
      received.has_process = true;
    } else if (header->cmsg_type == kReportUnread) {
      int unread = -1;
      std::memcpy(&unread, CMSG_DATA(header), sizeof unread);
      received.unread = unread;
    }
  }
}

inline Received receive(int fd, size_t room = 64, int flags = MSG_DONTWAIT, size_t control_room = 2048) {
  Received received;
  std::string buffer(room, '\0');
  std::vector<char> control(control_room + 1);
  iovec vector{buffer.data(), room};
  msghdr message{};
  message.msg_name = &received.name.address;
  message.msg_namelen = sizeof received.name.address;
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control_room == 0 ? nullptr : control.data();
  message.msg_controllen = control_room;
  received.result = answer(::recvmsg(fd, &message, flags));
  if (received.result < 0) return received;
  received.text = buffer.substr(0, std::min(room, static_cast<size_t>(received.result)));
  received.flags = message.msg_flags;
  received.name.length = message.msg_namelen;
  received.control_size = message.msg_controllen;
  read_controls(received, message);
  return received;
}

inline int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

}  // namespace conformance
