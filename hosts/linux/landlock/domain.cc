#include "hosts/linux/landlock/domain.hh"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hosts/linux/landlock/abi.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host::landlock {
namespace {

constexpr size_t kStackSize = 128 * 1024;
constexpr int kOwnRules = -1;  // start(): no ruleset more

int use_port(int use, int fd, const void* address, socklen_t size) {
  const auto* name = static_cast<const sockaddr*>(address);
  const int result = use == LXNET_PORT_BIND ? ::bind(fd, name, size) : ::connect(fd, name, size);
  return result == 0 ? 0 : errno;
}

// An AF_INET socket with an AF_INET6 address: TCP says EAFNOSUPPORT, and Landlock, which looks only where that use of ports is
// confined, EINVAL before it.
bool is_use_confined(int use) {
  OwnedFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  return socket.is_open() && use_port(use, socket.get(), &address, sizeof address) == EINVAL;
}

// No TCP socket is ever bound or connected to a multicast group: after Landlock has said yes, the protocol says EINVAL or
// ENETUNREACH. Without IPv6 an address of class E does, which nobody has.
bool is_port_allowed(int use, uint16_t port) {
  OwnedFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.is_open()) {
    sockaddr_in6 nobody = {};
    nobody.sin6_family = AF_INET6;
    nobody.sin6_port = htons(port);
    nobody.sin6_addr.s6_addr[0] = 0xff;
    nobody.sin6_addr.s6_addr[1] = 0x01;
    nobody.sin6_addr.s6_addr[15] = 0x01;
    return use_port(use, socket.get(), &nobody, sizeof nobody) != EACCES;
  }
  socket = OwnedFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in nobody = {};
  nobody.sin_family = AF_INET;
  nobody.sin_port = htons(port);
  nobody.sin_addr.s_addr = htonl(0xf0000001);
  return socket.is_open() && use_port(use, socket.get(), &nobody, sizeof nobody) != EACCES;
}

// A datagram socket with an abstract name that the kernel chose, of whoever calls.
struct NamedSocket {
  OwnedFd fd;
  sockaddr_un name = {};
  socklen_t size = sizeof name;
};
int make_named(NamedSocket& socket) {
  socket.fd = OwnedFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  socket.name.sun_family = AF_UNIX;
  auto* name = reinterpret_cast<sockaddr*>(&socket.name);
  if (!socket.fd.is_open() || ::bind(socket.fd.get(), name, sizeof(sa_family_t)) != 0) return -errno;
  return ::getsockname(socket.fd.get(), name, &socket.size) == 0 ? 0 : -errno;
}

int reach(const NamedSocket& socket) {
  OwnedFd own(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!own.is_open()) return -errno;
  return ::connect(own.get(), reinterpret_cast<const sockaddr*>(&socket.name), socket.size) == 0 ? 0 : -errno;
}

uint64_t next_id() {
  static uint64_t last = 0;
  return ++last;
}

}  // namespace

Domain::Domain(std::shared_ptr<Domain> parent)
    : parent_(std::move(parent)), depth_(parent_ == nullptr ? 1 : parent_->depth() + 1), id_(next_id()) {}

Domain::~Domain() {
  if (!has_thread_) return;
  work_ = nullptr;
  has_work_.release();
  ::pthread_join(thread_, nullptr);
}

std::shared_ptr<Domain> Domain::of_this_thread() {
  if (kernel_abi() == 0) return nullptr;
  if (!is_use_confined(LXNET_PORT_BIND) && !is_use_confined(LXNET_PORT_CONNECT)) return nullptr;
  std::shared_ptr<Domain> domain(new Domain(nullptr));
  return domain->start(kOwnRules, 0) ? domain : nullptr;
}

std::shared_ptr<Domain> Domain::create(std::shared_ptr<Domain> parent, int ruleset, uint32_t flags, int* error) {
  if (parent != nullptr && parent->is_sealed()) return create_sealed(std::move(parent));
  std::shared_ptr<Domain> domain(new Domain(std::move(parent)));
  if (domain->start(ruleset, flags)) return domain;
  *error = domain->error_;
  return nullptr;
}

std::shared_ptr<Domain> Domain::create_sealed(std::shared_ptr<Domain> parent) {
  return std::shared_ptr<Domain>(new Domain(std::move(parent)));
}

// The new thread is made by the parent's, and so begins in the parent's domain.
bool Domain::start(int ruleset, uint32_t flags) {
  const std::function<int()> enforce = [&] {
    obey(ruleset, flags);
    return 0;
  };
  work_ = &enforce;
  const auto make = [this] {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStackSize);
    const int result = ::pthread_create(&thread_, &attributes, &Domain::live, this);
    ::pthread_attr_destroy(&attributes);
    return -result;
  };
  error_ = parent_ == nullptr ? make() : parent_->run(make);
  if (error_ != 0) return false;
  has_thread_ = true;
  has_work_.release();
  is_done_.acquire();
  return error_ == 0;
}

void* Domain::live(void* self) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  ::prctl(PR_SET_NAME, "lxnet-landlock");
  auto& domain = *static_cast<Domain*>(self);
  for (;;) {
    domain.has_work_.acquire();
    if (domain.work_ == nullptr) return nullptr;
    domain.result_ = (*domain.work_)();
    domain.is_done_.release();
  }
}

// What is tried here is nobody's misdeed: it stays out of the audit log.
void Domain::obey(int ruleset, uint32_t flags) {
  if (kernel_abi() >= kFirstQuietAbi) flags |= kNoLogSameExec;
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (ruleset != kOwnRules && ::syscall(SYS_landlock_restrict_self, ruleset, flags) != 0) {
    error_ = -errno;
    return;
  }
  for (int use : {LXNET_PORT_BIND, LXNET_PORT_CONNECT}) confines_port_use_[use] = is_use_confined(use);
}

int Domain::run(const std::function<int()>& work) {
  if (is_sealed()) return -EACCES;
  work_ = &work;
  has_work_.release();
  is_done_.acquire();
  return result_;
}

int Domain::check_port(int use, uint16_t port) {
  if (!confines_port_use_[use]) return LXNET_PORT_UNCONFINED;
  if (is_sealed()) return LXNET_PORT_DENIED;
  auto [found, is_new] = allowed_ports_.try_emplace(static_cast<uint32_t>(use) << 16 | port, false);
  if (is_new) found->second = run([&] { return is_port_allowed(use, port); }) == 1;
  return found->second ? LXNET_PORT_ALLOWED : LXNET_PORT_DENIED;
}

// Who reaches sockets of the unconfined reaches all.
bool Domain::may_reach(Domain* maker) {
  if (maker != nullptr && may_reach(nullptr)) return true;
  const uint64_t key = maker == nullptr ? 0 : maker->id_;
  if (auto found = reached_.find(key); found != reached_.end()) return found->second;
  NamedSocket socket;
  const auto make = [&] { return make_named(socket); };
  const bool is_made = (maker == nullptr ? make() : maker->run(make)) == 0;
  const int result = is_made ? run([&] { return reach(socket); }) : -EPERM;
  if (is_made && (result == 0 || result == -EPERM)) reached_.emplace(key, result == 0);
  return result == 0;
}

bool Domain::may_open(const std::string& path, int flags) {
  return run([&] {
           OwnedFd file(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
           return file.is_open() ? 0 : -errno;
         }) != -EACCES;
}

}  // namespace lxnet::host::landlock
