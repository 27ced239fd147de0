#include "tests/listen_table/bind_plan.hh"
#include "tests/support/own_options.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>

namespace lxnet::testing {
namespace {

// The address as the C library takes it.
struct UserAddress {
  UserAddress(IpFamily family, const std::string& address, uint16_t port) {
    if (family == IpFamily::V4) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
      size = sizeof v4;
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr);
      size = sizeof v6;
    }
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr_storage storage{};
  socklen_t size = 0;
};

}  // namespace

std::string BindPlan::text() const {
  std::ostringstream out;
  out << (is_tcp ? "tcp" : "udp") << (family == IpFamily::V4 ? "4 " : "6 ") << address << " port " << port
      << (v6_only ? " v6only" : "") << (reuse_address ? " reuseaddr" : "") << (reuse_port ? " reuseport" : "") << " if"
      << interface << " uid" << user;
  return out.str();
}

HostSocket::HostSocket(const BindPlan& plan, const std::string& second_interface) : plan_(plan) {
  EXPECT_EQ(seteuid(plan.user == 0 ? geteuid() : plan.user), 0);
  fd_ = ::socket(plan.family == IpFamily::V4 ? AF_INET : AF_INET6, plan.is_tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (plan.user != 0) {
    EXPECT_EQ(seteuid(0), 0);
  }
  if (plan.family == IpFamily::V6) set(IPPROTO_IPV6, IPV6_V6ONLY, plan.v6_only);
  set_reuse_address(plan.reuse_address);
  set_reuse_port(plan.reuse_port);
  const std::string name = plan.interface == 1 ? "lo" : plan.interface == 2 ? second_interface : "";
  if (!name.empty()) {
    EXPECT_EQ(setsockopt(fd_, SOL_SOCKET, SO_BINDTODEVICE, name.c_str(), socklen_t(name.size())), 0);
  }
}

HostSocket::~HostSocket() { ::close(fd_); }

void HostSocket::set(int level, int name, int value) {
  EXPECT_EQ(setsockopt(fd_, level, name, &value, sizeof value), 0) << plan_.text() << " option " << name;
}
void HostSocket::set_reuse_address(bool on) { set(SOL_SOCKET, SO_REUSEADDR, on); }
void HostSocket::set_reuse_port(bool on) { set(SOL_SOCKET, SO_REUSEPORT, on); }

int HostSocket::bind() {
  const UserAddress to(plan_.family, plan_.address, plan_.port);
  return ::bind(fd_, to.get(), to.size) == 0 ? 0 : errno;
}
int HostSocket::connect(const std::string& address) {
  const UserAddress to(plan_.family, address, 9);
  return ::connect(fd_, to.get(), to.size) == 0 ? 0 : errno;
}
int HostSocket::disconnect() {
  sockaddr none{};
  return ::connect(fd_, &none, sizeof none) == 0 ? 0 : errno;
}
int HostSocket::listen() { return ::listen(fd_, 5) == 0 ? 0 : errno; }

OurSocket::OurSocket(TestStack& stack, const BindPlan& plan) : stack_(stack), plan_(plan) {
  if (plan.is_tcp) {
    fake_ = FakeSocket::create(*stack.stack, plan.family);
  } else {
    stack.hal.credentials.euid = plan.user;
    udp_.emplace(TestSocket::udp(stack, plan.family));
    stack.hal.credentials.euid = 0;
  }
  own(socket(), socket().ip_options).v6_only = plan.v6_only;
  own(socket(), socket().options).reuse_address = plan.reuse_address;
  own(socket(), socket().options).reuse_port = plan.reuse_port;
  socket().options.bound_interface = plan.interface;
}

OurSocket::~OurSocket() {
  PortHooks& hooks = stack_.stack->ports();
  if (claim_.is_claimed) hooks.release(hooks.table, claim_);
}

int OurSocket::bind() {
  const Endpoint local = endpoint(plan_.address.c_str(), plan_.port);
  if (!plan_.is_tcp) return static_cast<int>(udp_->bind(local));
  claim_.owner = fake_.get();
  address_ = local.address;
  claim_.address = &address_;
  claim_.port = local.port;
  claim_.family = plan_.family;
  claim_.protocol = 6;
  claim_.uid = plan_.user;
  // What bind() does to a socket with an IPv6 address of its own.
  const bool is_own_v6 = plan_.family == IpFamily::V6 && !local.address.is_v4() && !local.address.is_unspecified();
  claim_.v6_only = plan_.v6_only || is_own_v6;
  return claim();
}

int OurSocket::listen() {
  claim_.is_listening = true;
  const int error = claim();
  if (error != 0) claim_.is_listening = false;
  return error;
}

int OurSocket::claim() {
  Entry entry(*stack_.stack);
  PortHooks& hooks = stack_.stack->ports();
  auto claimed = hooks.claim(hooks.table, entry, claim_);
  return claimed.is_ok() ? 0 : static_cast<int>(claimed.error());
}

}  // namespace lxnet::testing
