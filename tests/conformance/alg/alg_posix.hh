// AF_ALG as a C program speaks to it. A kernel without the family, or without an algorithm, skips what needs it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_alg.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace conformance {

// A descriptor that is closed when it goes.
class Fd {
 public:
  explicit Fd(int number = -1) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  operator int() const { return number_; }

 private:
  int number_;
};

// The call's value, or -errno.
inline long answer(long result) { return result < 0 ? -errno : result; }

inline Fd alg_socket() { return Fd(socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }

inline long alg_bind(int fd, const std::string& type, const std::string& name, uint32_t features = 0, uint32_t mask = 0) {
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  memcpy(address.salg_type, type.data(), std::min(type.size(), sizeof address.salg_type));
  memcpy(address.salg_name, name.data(), std::min(name.size(), sizeof address.salg_name));
  address.salg_feat = features;
  address.salg_mask = mask;
  return answer(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

// Before 6.13 a template's reason was lost, and the name not found.
inline bool may_lose_reasons() {
  utsname name{};
  int major = 0, minor = 0;
  uname(&name);
  sscanf(name.release, "%d.%d", &major, &minor);
  return major < 6 || (major == 6 && minor < 13);
}
inline ::testing::AssertionResult is_reason(long result, long reason) {
  if (result == reason || (may_lose_reasons() && result == -ENOENT)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result << " and not " << reason;
}

inline long set_key(int fd, const std::string& key) {
  return answer(setsockopt(fd, SOL_ALG, ALG_SET_KEY, key.data(), static_cast<socklen_t>(key.size())));
}
inline long set_tag_size(int fd, unsigned size) { return answer(setsockopt(fd, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, size)); }
inline Fd alg_accept(int fd) { return Fd(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)); }

inline long send_text(int fd, const std::string& text, int flags = 0) {
  return answer(send(fd, text.data(), text.size(), flags));
}

// What comes, without waiting; "-errno" as text when nothing does.
inline std::string receive(int fd, size_t room, int flags = MSG_DONTWAIT) {
  std::string text(room, '\0');
  const ssize_t size = recv(fd, text.data(), room, flags);
  if (size < 0) return strerrorname_np(errno);
  text.resize(static_cast<size_t>(size));
  return text;
}

inline std::string hex(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    result += kDigits[static_cast<unsigned char>(c) >> 4];
    result += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return result;
}

// Control messages of SOL_ALG, one after the other.
class Control {
 public:
  Control& add(int type, const std::string& data, int level = SOL_ALG) {
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(data.size());
    header.cmsg_level = level;
    header.cmsg_type = type;
    bytes_.append(reinterpret_cast<const char*>(&header), sizeof header);
    bytes_ += data;
    bytes_.resize((bytes_.size() + 7) / 8 * 8);
    return *this;
  }
  Control& number(int type, uint32_t value) { return add(type, std::string(reinterpret_cast<const char*>(&value), 4)); }
  Control& operation(uint32_t value) { return number(ALG_SET_OP, value); }
  Control& associated(uint32_t value) { return number(ALG_SET_AEAD_ASSOCLEN, value); }
  Control& iv(const std::string& value) {
    const auto size = static_cast<uint32_t>(value.size());
    return add(ALG_SET_IV, std::string(reinterpret_cast<const char*>(&size), 4) + value);
  }

  long send(int fd, const std::string& text, int flags = 0) const {
    std::string room = bytes_, copy = text;
    msghdr message{};
    iovec vector{copy.data(), copy.size()};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    return answer(sendmsg(fd, &message, flags));
  }

 private:
  std::string bytes_;
};

class AlgTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const int fd = socket(AF_ALG, SOCK_SEQPACKET, 0); fd >= 0) {
      ::close(fd);
    } else {
      GTEST_SKIP() << "this kernel has no AF_ALG";
    }
  }
  // A bound socket.
  Fd bound(const std::string& type, const std::string& name) {
    Fd fd = alg_socket();
    EXPECT_EQ(alg_bind(fd, type, name), 0) << type << " " << name;
    return fd;
  }
  Fd operation(const std::string& type, const std::string& name, const std::string& key = "") {
    parent_ = bound(type, name);
    if (!key.empty()) {
      EXPECT_EQ(set_key(parent_, key), 0);
    }
    Fd fd = alg_accept(parent_);
    EXPECT_GE(fd, 0);
    return fd;
  }
  Fd parent_;
};

inline short poll_now(int fd) {
  pollfd entry{fd, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLPRI, 0};
  return poll(&entry, 1, 0) < 0 ? short{-1} : entry.revents;
}

}  // namespace conformance
