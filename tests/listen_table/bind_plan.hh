// One socket to bind, and the same socket twice: the host kernel's and ours.
#pragma once

#include <optional>
#include <string>

#include "tests/support/fake_socket.hh"
#include "tests/support/test_stack.hh"

namespace lxnet::testing {

struct BindPlan {
  bool is_tcp = false;
  IpFamily family = IpFamily::V4;
  bool v6_only = false, reuse_address = false, reuse_port = false;
  uint32_t interface = 0;  // 0: none, 1: lo, 2: the second
  uint32_t user = 0;
  std::string address;
  uint16_t port = 0;

  std::string text() const;
  // The peer of a connect().
  std::string own_loopback() const { return family == IpFamily::V4 ? "127.0.0.1" : "::1"; }
  std::string v4_loopback() const { return family == IpFamily::V4 ? "127.0.0.1" : "::ffff:127.0.0.1"; }
};

// Calls return 0 or the errno.
class HostSocket {
 public:
  HostSocket(const BindPlan& plan, const std::string& second_interface);
  ~HostSocket();
  HostSocket(const HostSocket&) = delete;
  HostSocket& operator=(const HostSocket&) = delete;

  void set_reuse_address(bool on);
  void set_reuse_port(bool on);
  int bind();
  int connect(const std::string& address);
  int disconnect();
  int listen();

 private:
  void set(int level, int name, int value);
  BindPlan plan_;
  int fd_ = -1;
};

// UDP through its socket, TCP through a claim alone.
class OurSocket {
 public:
  OurSocket(TestStack& stack, const BindPlan& plan);
  ~OurSocket();
  OurSocket(const OurSocket&) = delete;
  OurSocket& operator=(const OurSocket&) = delete;

  Socket& socket() { return plan_.is_tcp ? *fake_ : **udp_; }
  int bind();
  int connect(const std::string& address) { return static_cast<int>(udp_->connect(endpoint(address.c_str(), 9))); }
  int disconnect() { return static_cast<int>(udp_->disconnect()); }
  int listen();

 private:
  int claim();
  TestStack& stack_;
  BindPlan plan_;
  Ref<FakeSocket> fake_;
  std::optional<TestSocket> udp_;
  IpAddress address_;
  PortClaim claim_;
};

}  // namespace lxnet::testing
