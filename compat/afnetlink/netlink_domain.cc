#include "compat/afnetlink/netlink_domain.hh"

#include "compat/afnetlink/crypto_user.hh"
#include "compat/afnetlink/generic/generic_family.hh"
#include "compat/afnetlink/netlink_socket.hh"
#include "compat/afnetlink/nfnetlink.hh"
#include "compat/afnetlink/route_family.hh"
#include "compat/afnetlink/route_messages.hh"
#include "compat/afnetlink/sock_diag.hh"
#include "compat/syscalls/compat_state.hh"
#include "stack/neighbour/neighbour_table.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint32_t kLeastGroups = 32;  // that a protocol has, as many as it may have use for

constexpr NetlinkProtocol kProtocols[] = {
    {.number = kNetlinkRoute,
     .groups = kLastRouteGroup,
     .is_question = &is_route_question,
     .handle = &handle_route,
     .ends_alone = &ends_route_dump_alone},
    {.number = 4 /* NETLINK_SOCK_DIAG */,
     .groups = kLeastGroups,
     .is_question = [](uint16_t) { return true; },
     .handle = &handle_sock_diag,
     .ends_alone = [](const NetlinkRequest&) { return true; }},
    {.number = 12 /* NETLINK_NETFILTER */,
     .groups = 32,
     .is_question = [](uint16_t) { return true; },
     .handle = nullptr,
     .receive = &receive_netfilter,
     .closed = &close_netfilter,
     .only_administrators_hear = true},
    {.number = kNetlinkGeneric,
     .groups = kLastGenericGroup,
     .is_question = [](uint16_t) { return true; },
     .handle = &handle_generic},
    {.number = 21 /* NETLINK_CRYPTO */,
     .groups = kLeastGroups,
     .is_question = &is_crypto_question,
     .handle = &handle_crypto_user},
};

}  // namespace

NetlinkDomain::NetlinkDomain(Stack& stack, InodeOf inode_of)
    : stack_(stack), observer_(*this), mutex_(stack.hal(), LockRank::SocketInventory), inode_of_(inode_of) {
  stack.interfaces().add_observer(observer_);
  stack.neighbours().on_change = &neighbour_changed;
  stack.neighbours().on_change_owner = this;
}

NetlinkDomain::~NetlinkDomain() {
  destroy_netfilter(*this);
  stack_.neighbours().on_change = nullptr;
  stack_.interfaces().remove_observer(observer_);
}

NetlinkDomain& NetlinkDomain::of(Stack& stack) { return *static_cast<NetlinkDomain*>(CompatState::of(stack).netlink_domain); }

const NetlinkProtocol* NetlinkDomain::find_protocol(int number) {
  for (const NetlinkProtocol& protocol : kProtocols) {
    if (protocol.number == number) return &protocol;
  }
  return nullptr;
}

bool NetlinkDomain::is_taken_locked(int protocol, uint32_t number) {
  for (Port& port : ports_) {
    if (port.protocol == protocol && port.number == number) return true;
  }
  return false;
}

bool NetlinkDomain::is_taken(int protocol, uint32_t number) {
  MutexLock lock(mutex_);
  return is_taken_locked(protocol, number);
}

Result<> NetlinkDomain::take_port(Port& port, uint32_t number) {
  MutexLock lock(mutex_);
  if (is_taken_locked(port.protocol, number)) return Errno::EADDRINUSE;
  port.number = number;
  ports_.push_back(port);
  return ok();
}

// Linux draws from the negative numbers too.
int32_t NetlinkDomain::namespace_id(uint64_t cookie) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < namespace_count_; ++i) {
    if (namespaces_[i] == cookie) return static_cast<int32_t>(i);
  }
  if (namespace_count_ == namespaces_.size()) {
    auto larger = HeapArray<uint64_t>::create(stack_.hal(), namespace_count_ * 2 + 4);
    if (!larger.is_ok()) return -1;
    HeapArray<uint64_t> grown = larger.take();
    for (size_t i = 0; i < namespace_count_; ++i) grown[i] = namespaces_[i];
    namespaces_ = std::move(grown);
  }
  namespaces_[namespace_count_] = cookie;
  return static_cast<int32_t>(namespace_count_++);
}

Result<> NetlinkDomain::take_any_port(Port& port, uint32_t process) {
  MutexLock lock(mutex_);
  uint32_t number = process;
  for (uint32_t tries = 0; is_taken_locked(port.protocol, number); ++tries) {
    if (tries == 1u << 16) return Errno::EADDRINUSE;
    number = next_number_--;
    if (next_number_ < 0x80000000u) next_number_ = static_cast<uint32_t>(-4097);
  }
  port.number = number;
  ports_.push_back(port);
  return ok();
}

void NetlinkDomain::set_groups(Port& port, uint64_t groups) {
  MutexLock lock(mutex_);
  port.groups = groups;
}

void NetlinkDomain::set_requester(const Requester& requester) {
  MutexLock lock(mutex_);
  requester_ = requester;
}

NetlinkDomain::Requester NetlinkDomain::requester_of(const Entry& entry) {
  MutexLock lock(mutex_);
  return requester_.entry == &entry ? requester_ : Requester();
}

bool NetlinkDomain::has_members(int protocol, uint32_t group) {
  MutexLock lock(mutex_);
  for (Port& port : ports_) {
    if (port.protocol == protocol && (port.groups >> (group - 1) & 1) != 0) return true;
  }
  return false;
}

void NetlinkDomain::multicast(int protocol, uint32_t group, ByteSpan datagram, uint32_t but_port, uint32_t from_port) {
  MutexLock lock(mutex_);
  for (Port& port : ports_) {
    if (port.protocol != protocol || (port.groups >> (group - 1) & 1) == 0) continue;
    if (but_port == 0 || port.number != but_port) port.socket->hear(group, datagram, from_port);
  }
}

void NetlinkDomain::overrun(int protocol, uint32_t group) {
  MutexLock lock(mutex_);
  for (Port& port : ports_) {
    if (port.protocol == protocol && (port.groups >> (group - 1) & 1) != 0) port.socket->overrun();
  }
}

void NetlinkDomain::leave(Port& port) {
  MutexLock lock(mutex_);
  if (port.link.is_linked()) ports_.remove(port);
}

}  // namespace lxnet

extern "C" int lxnet_enable_afnetlink(lxnet_stack* c_stack, uint64_t (*inode_of)(void* ctx, uint64_t cookie)) {
  using namespace lxnet;
  Stack& stack = *reinterpret_cast<Stack*>(c_stack);
  CompatState& state = CompatState::of(stack);
  NetlinkDomain* domain = construct<NetlinkDomain>(stack.hal(), stack, inode_of);
  if (domain == nullptr) return -static_cast<int>(Errno::ENOMEM);
  auto added = state.add_family({.number = kFamilyNetlink, .create = &NetlinkSocket::create, .create_pair = nullptr});
  if (!added.is_ok()) {
    dispose(stack.hal(), domain);
    return -static_cast<int>(added.error());
  }
  state.netlink_domain = domain;
  state.destroy_netlink_domain = [](const Hal& hal, void* object) { dispose(hal, static_cast<NetlinkDomain*>(object)); };
  return 0;
}
