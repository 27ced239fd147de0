// Every system call with its first allocation failing, its second, and so on: the errno is one that Linux gives for want of
// memory, the call can be made again and then succeeds, and nothing is left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/call_machine.hh"

namespace lxnet::testing {
namespace {

// With all families that make objects of their own.
class Machine : public CallMachine {
 public:
  Machine() {
    start();
    EXPECT_EQ(lxnet_enable_epoll(c_stack()), 0);
    EXPECT_EQ(lxnet_enable_afunix(c_stack()), 0);
    EXPECT_EQ(lxnet_enable_afpacket(c_stack()), 0);
  }
  int socket(int family, int type, int protocol = 0) {
    const int64_t fd = call(SYS_socket, family, type | SOCK_NONBLOCK, protocol);
    EXPECT_GE(fd, 0);
    return static_cast<int>(fd);
  }

  int fds[8] = {};
  sockaddr_storage name{};
  socklen_t length = sizeof name;
};

sockaddr_in6 loopback(int family) {
  sockaddr_in6 name{};
  name.sin6_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    name.sin6_addr = in6addr_loopback;
  }
  return name;
}
socklen_t size_of(int family) { return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6); }

void bind_loopback(Machine& machine, int fd, int family) {
  const sockaddr_in6 any = loopback(family);
  EXPECT_EQ(machine.call(SYS_bind, fd, &any, size_of(family)), 0);
  machine.length = sizeof machine.name;
  EXPECT_EQ(machine.call(SYS_getsockname, fd, &machine.name, &machine.length), 0);
}

// fds[0] sends to fds[1].
template <int kFamily>
void udp_pair(Machine& machine) {
  machine.fds[1] = machine.socket(kFamily, SOCK_DGRAM);
  bind_loopback(machine, machine.fds[1], kFamily);
  machine.fds[0] = machine.socket(kFamily, SOCK_DGRAM);
  EXPECT_EQ(machine.call(SYS_connect, machine.fds[0], &machine.name, machine.length), 0);
}
template <int kFamily>
void tcp_listener(Machine& machine) {
  machine.fds[1] = machine.socket(kFamily, SOCK_STREAM);
  bind_loopback(machine, machine.fds[1], kFamily);
  EXPECT_EQ(machine.call(SYS_listen, machine.fds[1], 5), 0);
  machine.fds[0] = machine.socket(kFamily, SOCK_STREAM);
}
template <int kFamily>
void tcp_waiting(Machine& machine) {
  tcp_listener<kFamily>(machine);
  EXPECT_EQ(machine.call(SYS_connect, machine.fds[0], &machine.name, machine.length), -static_cast<int64_t>(Errno::EINPROGRESS));
}
template <int kFamily>
void tcp_pair(Machine& machine) {
  tcp_waiting<kFamily>(machine);
  machine.fds[2] = static_cast<int>(machine.call(SYS_accept4, machine.fds[1], nullptr, nullptr, SOCK_NONBLOCK));
  EXPECT_GE(machine.fds[2], 0);
}
template <int kType>
void unix_pair(Machine& machine) {
  EXPECT_EQ(machine.call(SYS_socketpair, AF_UNIX, kType | SOCK_NONBLOCK, 0, machine.fds), 0);
}
void nothing(Machine&) {}

int64_t send_text(Machine& machine) { return machine.call(SYS_sendto, machine.fds[0], "hello", 5, 0, nullptr, 0); }

template <int kReceiver>
void is_received(Machine& machine) {
  char bytes[8] = {};
  EXPECT_EQ(machine.call(SYS_recvfrom, machine.fds[kReceiver], bytes, sizeof bytes, 0, nullptr, nullptr), 5);
  EXPECT_EQ(std::string(bytes), "hello");
}

// fds[0] sends frames over lo, fds[1] is shown those of one protocol.
void packet_pair(Machine& machine) {
  machine.fds[0] = machine.socket(AF_PACKET, SOCK_DGRAM);
  machine.fds[1] = machine.socket(AF_PACKET, SOCK_DGRAM, htons(0x88b5));
}
int64_t send_frame(Machine& machine) {
  sockaddr_ll to{};
  to.sll_protocol = htons(0x88b5);
  to.sll_ifindex = 1;
  return machine.call(SYS_sendto, machine.fds[0], "hello", 5, 0, &to, sizeof to);
}
template <int kKind>
int64_t join_fanout(Machine& machine) {
  const int word = 7 | kKind << 16;
  return machine.call(SYS_setsockopt, machine.fds[1], SOL_PACKET, PACKET_FANOUT, &word, sizeof word);
}
int64_t hear_everything(Machine& machine) {
  const packet_mreq request{.mr_ifindex = 1, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6, .mr_address = {1, 0, 0x5e}};
  return machine.call(SYS_setsockopt, machine.fds[1], SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request);
}

struct Operation {
  const char* name;
  std::function<void(Machine&)> prepare;
  std::function<int64_t(Machine&)> call;
  // After it has succeeded with all memory.
  std::function<void(Machine&)> verify = nothing;
  // Whether Linux too drops the packet and tells nobody.
  bool may_be_lost = false;
  // It needs a port first, and inet_autobind() says EAGAIN whatever it lacked.
  bool chooses_port = false;
};

template <int kFamily, int kType, int kProtocol = 0>
int64_t make_socket(Machine& machine) {
  const int64_t fd = machine.call(SYS_socket, kFamily, kType, kProtocol);
  if (fd >= 0) machine.close(static_cast<int>(fd));
  return fd;
}

template <int kFamily>
int64_t bind_it(Machine& machine) {
  const sockaddr_in6 any = loopback(kFamily);
  return machine.call(SYS_bind, machine.fds[0], &any, size_of(kFamily));
}

int64_t send_control(Machine& machine) {
  static char control[512];
  // More than lies on the stack, so that memory is asked for.
  *reinterpret_cast<cmsghdr*>(control) = {CMSG_LEN(sizeof(int)), IPPROTO_IP, IP_TTL};
  *reinterpret_cast<int*>(CMSG_DATA(reinterpret_cast<cmsghdr*>(control))) = 9;
  *reinterpret_cast<cmsghdr*>(control + CMSG_SPACE(sizeof(int))) = {sizeof control - CMSG_SPACE(sizeof(int)), 77, 1};
  iovec pieces[20];
  for (iovec& piece : pieces) piece = {const_cast<char*>("hello"), 0};
  pieces[19].iov_len = 5;
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 20;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return machine.call(SYS_sendmsg, machine.fds[0], &message, 0);
}

// The table `raw` as it is read, put in its own place.
int64_t replace_rules(Machine& machine) {
  constexpr int kReplaceAndInfo = 64, kEntries = 65;
  struct {
    char name[32];
    uint32_t hooks, entry[5], underflow[5], entries, size;
  } info{"raw", 0, {}, {}, 0, 0};
  socklen_t size = sizeof info;
  if (const int64_t got = machine.call(SYS_getsockopt, machine.fds[0], 0, kReplaceAndInfo, &info, &size); got < 0) return got;
  std::vector<uint8_t> read(40 + info.size);
  memcpy(read.data(), info.name, sizeof info.name);
  memcpy(read.data() + 32, &info.size, sizeof info.size);
  size = static_cast<socklen_t>(read.size());
  if (const int64_t got = machine.call(SYS_getsockopt, machine.fds[0], 0, kEntries, read.data(), &size); got < 0) return got;
  std::vector<uint64_t> counters(2 * info.entries);
  struct {
    char name[32];
    uint32_t hooks, entries, size, entry[5], underflow[5], counter_count;
    uint64_t* counters;
  } head{"raw", info.hooks, info.entries, info.size, {}, {}, info.entries, counters.data()};
  memcpy(head.entry, info.entry, sizeof head.entry);
  memcpy(head.underflow, info.underflow, sizeof head.underflow);
  std::vector<uint8_t> whole(sizeof head + info.size);
  memcpy(whole.data(), &head, sizeof head);
  memcpy(whole.data() + sizeof head, read.data() + 40, info.size);
  return machine.call(SYS_setsockopt, machine.fds[0], 0, kReplaceAndInfo, whole.data(), whole.size());
}

template <int kOption, int kLevel = IPPROTO_IP>
int64_t join(Machine& machine) {
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = htonl(0xe00000fb);
  request.imr_ifindex = 1;
  return machine.call(SYS_setsockopt, machine.fds[0], kLevel, kOption, &request, sizeof request);
}

int64_t poll_many(Machine& machine) {
  pollfd polls[64];
  for (pollfd& poll : polls) poll = {machine.fds[0], POLLOUT, 0};
  return machine.call(SYS_poll, polls, 64, 0);
}
int64_t select_it(Machine& machine) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(machine.fds[0], &set);
  timespec now{};
  return machine.call(SYS_pselect6, 64, nullptr, &set, nullptr, &now, nullptr);
}
int64_t make_epoll(Machine& machine) {
  const int64_t fd = machine.call(SYS_epoll_create1, 0);
  if (fd >= 0) machine.close(static_cast<int>(fd));
  return fd;
}
void with_epoll(Machine& machine) {
  udp_pair<AF_INET>(machine);
  machine.fds[3] = static_cast<int>(machine.call(SYS_epoll_create1, 0));
}
int64_t add_to_epoll(Machine& machine) {
  epoll_event event{};
  event.events = EPOLLIN;
  return machine.call(SYS_epoll_ctl, machine.fds[3], EPOLL_CTL_ADD, machine.fds[0], &event);
}
// What fails changes no flag.
int64_t set_async(Machine& machine) {
  const int64_t before = machine.call(SYS_fcntl, machine.fds[0], F_GETFL);
  const int64_t result = machine.call(SYS_fcntl, machine.fds[0], F_SETFL, O_ASYNC);
  if (result < 0) {
    EXPECT_EQ(machine.call(SYS_fcntl, machine.fds[0], F_GETFL), before);
  }
  return result;
}
void is_async(Machine& machine) { EXPECT_EQ(machine.call(SYS_fcntl, machine.fds[0], F_GETFL), O_RDWR | O_ASYNC); }

// One connection waits: a call that finds no memory leaves it where it is.
void unix_waiting(Machine& machine) {
  const sockaddr_un name{AF_UNIX, "\0waiting"};
  machine.fds[1] = machine.socket(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(machine.call(SYS_bind, machine.fds[1], &name, 10), 0);
  EXPECT_EQ(machine.call(SYS_listen, machine.fds[1], 5), 0);
  machine.fds[0] = machine.socket(AF_UNIX, SOCK_STREAM);
  EXPECT_EQ(machine.call(SYS_connect, machine.fds[0], &name, 10), 0);
}
int64_t accept_it(Machine& machine) { return machine.call(SYS_accept4, machine.fds[1], nullptr, nullptr, SOCK_NONBLOCK); }

// What a TCP socket gets memory for when it is first asked for.
template <int kLevel, int kOption, int kValue>
int64_t set_number(Machine& machine) {
  const int value = kValue;
  return machine.call(SYS_setsockopt, machine.fds[0], kLevel, kOption, &value, sizeof value);
}
int64_t choose_bbr(Machine& machine) {
  return machine.call(SYS_setsockopt, machine.fds[0], IPPROTO_TCP, TCP_CONGESTION, "bbr", 3);
}
void uses_bbr(Machine& machine) {
  char name[16] = {};
  socklen_t size = sizeof name;
  EXPECT_EQ(machine.call(SYS_getsockopt, machine.fds[0], IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
  EXPECT_EQ(std::string(name), "bbr");
  EXPECT_EQ(send_text(machine), 5);
  is_received<2>(machine);
}
int64_t sign(Machine& machine) {
  tcp_md5sig key{};
  const sockaddr_in6 peer = loopback(AF_INET);
  memcpy(&key.tcpm_addr, &peer, sizeof(sockaddr_in));
  key.tcpm_keylen = 3;
  memcpy(key.tcpm_key, "key", 3);
  return machine.call(SYS_setsockopt, machine.fds[0], IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key);
}
template <void (*kPrepare)(Machine&)>
void with_bbr_and_probes(Machine& machine) {
  kPrepare(machine);
  EXPECT_EQ(lxnet_tunable_set(machine.c_stack(), "net.ipv4.tcp_mtu_probing", "2"), 0);
  EXPECT_EQ(choose_bbr(machine), 0);
}
int64_t connect_and_send(Machine& machine) {
  const int64_t result = machine.call(SYS_connect, machine.fds[0], &machine.name, machine.length);
  return result == -static_cast<int64_t>(Errno::EINPROGRESS) || result == -static_cast<int64_t>(Errno::EISCONN) ? 0 : result;
}

int64_t pair_up(Machine& machine) { return machine.call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, machine.fds); }

const std::vector<Operation>& operations() {
  static const std::vector<Operation> list{
      {"socket UDP", nothing, make_socket<AF_INET, SOCK_DGRAM>},
      {"socket UDP6", nothing, make_socket<AF_INET6, SOCK_DGRAM>},
      {"socket TCP", nothing, make_socket<AF_INET, SOCK_STREAM>},
      {"socket TCP6", nothing, make_socket<AF_INET6, SOCK_STREAM>},
      {"socket raw", nothing, make_socket<AF_INET, SOCK_RAW, 253>},
      {"socket raw6", nothing, make_socket<AF_INET6, SOCK_RAW, 253>},
      {"socket unix", nothing, make_socket<AF_UNIX, SOCK_STREAM>},
      {"socketpair", nothing, pair_up},
      {"epoll_create1", nothing, make_epoll},
      {"bind UDP", [](Machine& m) { m.fds[0] = m.socket(AF_INET, SOCK_DGRAM); }, bind_it<AF_INET>},
      {"bind UDP6", [](Machine& m) { m.fds[0] = m.socket(AF_INET6, SOCK_DGRAM); }, bind_it<AF_INET6>},
      {"bind TCP", [](Machine& m) { m.fds[0] = m.socket(AF_INET, SOCK_STREAM); }, bind_it<AF_INET>},
      {"bind TCP6", [](Machine& m) { m.fds[0] = m.socket(AF_INET6, SOCK_STREAM); }, bind_it<AF_INET6>},
      {"listen",
       [](Machine& m) {
         m.fds[0] = m.socket(AF_INET, SOCK_STREAM);
         bind_loopback(m, m.fds[0], AF_INET);
       },
       [](Machine& m) { return m.call(SYS_listen, m.fds[0], 5); }},
      {"connect UDP",
       [](Machine& m) {
         udp_pair<AF_INET>(m);
         m.fds[0] = m.socket(AF_INET, SOCK_DGRAM);
       },
       [](Machine& m) { return m.call(SYS_connect, m.fds[0], &m.name, m.length); }, nothing, false, true},
      {"accept TCP", tcp_waiting<AF_INET>, accept_it},
      {"accept TCP6", tcp_waiting<AF_INET6>, accept_it},
      {"accept unix", unix_waiting, accept_it},
      {"send UDP", udp_pair<AF_INET>, send_text, is_received<1>, true},
      {"send UDP6", udp_pair<AF_INET6>, send_text, is_received<1>, true},
      {"sendmsg UDP with control messages", udp_pair<AF_INET>, send_control, is_received<1>, true},
      {"send TCP", tcp_pair<AF_INET>, send_text, is_received<2>},
      {"send TCP6", tcp_pair<AF_INET6>, send_text, is_received<2>},
      {"set TCP_CONGESTION", tcp_pair<AF_INET>, choose_bbr, uses_bbr},
      {"set TCP_MD5SIG", tcp_listener<AF_INET>, sign},
      {"set TCP_FASTOPEN", tcp_listener<AF_INET>, set_number<IPPROTO_TCP, TCP_FASTOPEN, 5>},
      {"set SO_ZEROCOPY", tcp_pair<AF_INET>, set_number<SOL_SOCKET, SO_ZEROCOPY, 1>},
      {"connect TCP with BBR and MTU probes", with_bbr_and_probes<tcp_listener<AF_INET>>, connect_and_send, nothing, false, true},
      {"send unix stream", unix_pair<SOCK_STREAM>, send_text, is_received<1>},
      {"send unix datagram", unix_pair<SOCK_DGRAM>, send_text, is_received<1>},
      {"join a group", udp_pair<AF_INET>, join<IP_ADD_MEMBERSHIP>},
      {"replace rules", udp_pair<AF_INET>, replace_rules},
      {"socket packet", nothing, make_socket<AF_PACKET, SOCK_RAW, 0x300>},
      {"send frame", packet_pair, send_frame, is_received<1>, true},
      {"join a fanout group", packet_pair, join_fanout<PACKET_FANOUT_ROLLOVER>},
      {"join a link address", packet_pair, hear_everything},
      {"poll", udp_pair<AF_INET>, poll_many},
      {"select", udp_pair<AF_INET>, select_it},
      {"epoll_ctl", with_epoll, add_to_epoll},
      {"F_SETOWN", udp_pair<AF_INET>, [](Machine& m) { return m.call(SYS_fcntl, m.fds[0], F_SETOWN, 0); }},
      {"F_SETSIG", udp_pair<AF_INET>, [](Machine& m) { return m.call(SYS_fcntl, m.fds[0], F_SETSIG, SIGUSR1); },
       [](Machine& m) { EXPECT_EQ(m.call(SYS_fcntl, m.fds[0], F_GETSIG), SIGUSR1); }},
      {"O_ASYNC", udp_pair<AF_INET>, set_async, is_async},
  };
  return list;
}

bool is_for_want_of_memory(int64_t result) {
  return result == -static_cast<int64_t>(Errno::ENOMEM) || result == -static_cast<int64_t>(Errno::ENOBUFS);
}

class AllocationTest : public ::testing::TestWithParam<const Operation*> {};

TEST_P(AllocationTest, WantOfMemoryIsSaidAndNothingIsLost) {
  const Operation& operation = *GetParam();
  for (size_t n = 0;; ++n) {
    SCOPED_TRACE(std::string(operation.name) + ", allocation " + std::to_string(n) + " fails");
    ASSERT_LT(n, 1000u);
    Machine machine;
    operation.prepare(machine);
    machine.hal.fail_allocation(n);
    int64_t result = operation.call(machine);
    machine.hal.allow_all_allocations();
    const bool has_failed = machine.hal.has_failed();
    if (result < 0) {
      const bool is_port = operation.chooses_port && result == -static_cast<int64_t>(Errno::EAGAIN);
      EXPECT_TRUE(is_port || is_for_want_of_memory(result)) << result;
      EXPECT_TRUE(has_failed);
      result = operation.call(machine);
      EXPECT_GE(result, 0) << "with all memory";
      operation.verify(machine);
    } else if (!has_failed || !operation.may_be_lost) {
      // A stream sends again what was lost on its way.
      machine.hal.advance(Duration::seconds(2));
      operation.verify(machine);
    }
    if (!has_failed || HasFailure()) return;
  }
}

std::vector<const Operation*> all() {
  std::vector<const Operation*> list;
  for (const Operation& operation : operations()) list.push_back(&operation);
  return list;
}
std::string name_of(const ::testing::TestParamInfo<const Operation*>& info) {
  std::string name = info.param->name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, AllocationTest, ::testing::ValuesIn(all()), name_of);

}  // namespace
}  // namespace lxnet::testing
