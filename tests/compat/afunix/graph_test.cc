// Descriptors in flight as a random graph: after every step exactly those sockets live that a naive mark-and-sweep of a model
// finds reachable, and at the end nothing is left.
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "compat/afunix/unix_domain.hh"
#include "tests/support/sim_test.hh"

namespace lxnet {
namespace {

// The model. A socket is what descriptors and messages refer to; a message in its inbox refers to others.
struct ModelSocket {
  int peer = -1;  // where its messages go
  bool is_listener = false;
  std::vector<std::vector<int>> inbox;
  std::vector<int> embryos;  // of a listener: connections nobody has accepted
};

class Graph {
 public:
  Graph(sim::Host& host, uint64_t seed) : host_(host), random_(seed) {}

  void step();
  void check(const std::string& when);
  void close_everything() {
    while (!open_.empty()) close_descriptor(open_.begin()->first);
  }
  const std::string& history() const { return history_; }

 private:
  size_t pick(size_t count) { return random_() % count; }
  int random_descriptor() { return std::next(open_.begin(), static_cast<long>(pick(open_.size())))->first; }
  void note(const std::string& text) { history_ += text + "\n"; }

  void make_pair();
  void make_listener();
  void connect();
  void accept();
  void send();
  void receive();
  void close_descriptor(int fd);
  void sweep();
  std::set<int> reachable() const;

  sim::Host& host_;
  std::mt19937_64 random_;
  std::map<int, ModelSocket> sockets_;
  std::map<int, int> open_;  // descriptor -> socket
  std::map<int, sockaddr_un> names_;
  int next_socket_ = 0;
  std::string history_;
};

void Graph::make_pair() {
  int ends[2];
  static constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  ASSERT_EQ(host_.call(SYS_socketpair, AF_UNIX, kTypes[pick(3)] | SOCK_NONBLOCK, 0, ends), 0);
  const int first = next_socket_++, second = next_socket_++;
  sockets_[first].peer = second;
  sockets_[second].peer = first;
  open_[ends[0]] = first;
  open_[ends[1]] = second;
  note("pair " + std::to_string(first) + " " + std::to_string(second));
}

void Graph::make_listener() {
  const int fd = static_cast<int>(host_.call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_GE(fd, 0);
  const int socket = next_socket_++;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::string text = std::to_string(socket);
  text.copy(name.sun_path + 1, text.size());
  ASSERT_EQ(host_.call(SYS_bind, fd, &name, 3 + text.size()), 0);
  ASSERT_EQ(host_.call(SYS_listen, fd, 8), 0);
  sockets_[socket].is_listener = true;
  open_[fd] = socket;
  names_[socket] = name;
  note("listener " + text);
}

void Graph::connect() {
  std::vector<int> listeners;
  for (auto& [id, socket] : sockets_) {
    if (socket.is_listener && socket.embryos.size() < 8) listeners.push_back(id);
  }
  if (listeners.empty()) return make_listener();
  const int listener = listeners[pick(listeners.size())];
  const int fd = static_cast<int>(host_.call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(host_.call(SYS_connect, fd, &names_[listener], 3 + std::to_string(listener).size()), 0) << history_;
  const int client = next_socket_++, child = next_socket_++;
  sockets_[client].peer = child;
  sockets_[child].peer = client;
  sockets_[listener].embryos.push_back(child);
  open_[fd] = client;
  note("connect " + std::to_string(client) + " to " + std::to_string(listener) + " as " + std::to_string(child));
}

void Graph::accept() {
  const int fd = random_descriptor();
  ModelSocket& listener = sockets_[open_[fd]];
  if (!listener.is_listener || listener.embryos.empty()) return;
  const int accepted = static_cast<int>(host_.call(SYS_accept4, fd, nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_GE(accepted, 0);
  open_[accepted] = listener.embryos.front();
  note("accept " + std::to_string(listener.embryos.front()));
  listener.embryos.erase(listener.embryos.begin());
}

// One to four descriptors, the sender's own among them at times.
void Graph::send() {
  const int fd = random_descriptor();
  const int from = open_[fd];
  const int to = sockets_[from].peer;
  if (to < 0 || !sockets_.contains(to)) return;
  std::vector<int> fds, carried;
  for (size_t i = 0, count = 1 + pick(4); i < count; ++i) {
    fds.push_back(random_descriptor());
    carried.push_back(open_[fds.back()]);
  }
  char byte = 'g';
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::copy(fds.begin(), fds.end(), reinterpret_cast<int*>(CMSG_DATA(header)));
  const int64_t sent = host_.call(SYS_sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == 1) sockets_[to].inbox.push_back(carried);
  std::string text = "send " + std::to_string(from) + " -> " + std::to_string(to) + " (" + std::to_string(sent) + "):";
  for (int socket : carried) text += " " + std::to_string(socket);
  note(text);
}

void Graph::receive() {
  const int fd = random_descriptor();
  ModelSocket& socket = sockets_[open_[fd]];
  if (socket.inbox.empty()) return;
  char byte;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const bool is_peek = pick(4) == 0;
  const int flags = MSG_DONTWAIT | (is_peek ? MSG_PEEK : 0);
  int64_t got = host_.call(SYS_recvmsg, fd, &message, flags);
  if (got == -static_cast<int64_t>(Errno::ECONNRESET))
    got = host_.call(SYS_recvmsg, fd, &message, flags);  // the peer went and left something unread
  ASSERT_EQ(got, 1) << history_;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  const auto* numbers = reinterpret_cast<const int*>(CMSG_DATA(header));
  const std::vector<int> carried = socket.inbox.front();
  ASSERT_EQ((header->cmsg_len - CMSG_LEN(0)) / sizeof(int), carried.size());
  if (!is_peek) socket.inbox.erase(socket.inbox.begin());
  for (size_t i = 0; i < carried.size(); ++i) open_[numbers[i]] = carried[i];
  note(std::string(is_peek ? "peek " : "receive ") + std::to_string(open_[fd]));
}

void Graph::close_descriptor(int fd) {
  note("close " + std::to_string(open_[fd]));
  open_.erase(fd);
  ASSERT_EQ(host_.call(SYS_close, fd), 0);
}

std::set<int> Graph::reachable() const {
  std::set<int> marked;
  std::vector<int> pending;
  for (auto& [fd, socket] : open_) pending.push_back(socket);
  while (!pending.empty()) {
    const int id = pending.back();
    pending.pop_back();
    if (!marked.insert(id).second) continue;
    const ModelSocket& socket = sockets_.at(id);
    for (auto& message : socket.inbox) pending.insert(pending.end(), message.begin(), message.end());
    pending.insert(pending.end(), socket.embryos.begin(), socket.embryos.end());
  }
  return marked;
}

void Graph::sweep() {
  const std::set<int> marked = reachable();
  std::erase_if(sockets_, [&](const auto& entry) { return !marked.contains(entry.first); });
}

// As Linux, lxnet looks for cycles when a socket is freed: closing a descriptor of one that is in flight frees none.
void Graph::check(const std::string& when) {
  sweep();
  UnixDomain& domain = UnixDomain::of(host_.stack());
  const auto other = host_.call(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
  const size_t edges = domain.in_flight(), open = domain.count_open();
  const uint64_t steps = domain.collection_steps();
  ASSERT_EQ(host_.call(SYS_close, static_cast<int>(other)), 0);
  // Sockets in flight are no more than descriptors in flight, and each of both is looked at a few times at the most.
  // (Every socket that a collection frees is a reason for the next.)
  if (domain.count_open() + 1 == open) {
    ASSERT_LE(domain.collection_steps() - steps, 6 * edges) << when << "\n" << history_;
  }
  ASSERT_EQ(domain.count_open(), sockets_.size()) << when << "\n" << history_;
}

void Graph::step() {
  if (open_.size() < 4) return make_pair();
  const size_t choice = pick(100);
  if (choice < 8) return open_.size() < 60 ? make_pair() : close_descriptor(random_descriptor());
  if (choice < 11) return make_listener();
  if (choice < 17) return connect();
  if (choice < 22) return accept();
  if (choice < 55) return send();
  if (choice < 67) return receive();
  close_descriptor(random_descriptor());
}

class UnixGraphTest : public testing::SimTest {};

TEST_F(UnixGraphTest, WhatNobodyCanReachIsFreedAndNothingElse) {
  sim::Host& host = simulation.add_host("host");
  host.process().descriptor_limit = 4096;
  ASSERT_EQ(lxnet_enable_afunix(host.c_stack()), 0);
  const char* longer = getenv("LXNET_LONG");
  const uint64_t rounds = longer != nullptr ? 400 : 40;
  for (uint64_t round = 0; round < rounds; ++round) {
    Graph graph(host, simulation.seed() * 1000 + round);
    for (int step = 0; step < 300; ++step) {
      graph.step();
      if (HasFatalFailure()) FAIL() << "round " << round << "\n" << graph.history();
      graph.check("round " + std::to_string(round) + ", step " + std::to_string(step));
      if (HasFatalFailure()) return;
    }
    graph.close_everything();
    graph.check("the end of round " + std::to_string(round));
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(UnixDomain::of(host.stack()).count_open(), 0u);
  EXPECT_EQ(UnixDomain::of(host.stack()).in_flight(), 0u);
}

// Sends a descriptor from one socket to its peer.
void carry(sim::Host& host, int from, int carried) {
  char byte = 'c';
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &carried, sizeof carried);
  ASSERT_EQ(host.call(SYS_sendmsg, from, &message, 0), 1);
}

// A long chain: each socket in the inbox of the next, freed without a stack as deep.
TEST_F(UnixGraphTest, ALongChainIsFreedOneAfterTheOther) {
  sim::Host& host = simulation.add_host("host");
  ASSERT_EQ(lxnet_enable_afunix(host.c_stack()), 0);
  int carried = -1;
  for (int link = 0; link < 1000; ++link) {
    int ends[2];
    ASSERT_EQ(host.call(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    if (carried >= 0) {
      carry(host, ends[0], carried);
      host.call(SYS_close, carried);
    }
    host.call(SYS_close, ends[0]);
    carried = ends[1];
  }
  EXPECT_EQ(UnixDomain::of(host.stack()).count_open(), 1000u);
  host.call(SYS_close, carried);
  EXPECT_EQ(UnixDomain::of(host.stack()).count_open(), 0u);
  // No socket was ever sent to one in flight: there was nothing to look for.
  EXPECT_EQ(UnixDomain::of(host.stack()).collection_steps(), 0u);
}

// Each socket holds the next, the last the first. A look at it costs what it is long, the first most.
TEST_F(UnixGraphTest, ARingIsLookedAtInTimeOfItsLength) {
  sim::Host& host = simulation.add_host("host");
  host.process().descriptor_limit = 4096;
  ASSERT_EQ(lxnet_enable_afunix(host.c_stack()), 0);
  UnixDomain& domain = UnixDomain::of(host.stack());
  const auto close_another = [&] {
    const uint64_t before = domain.collection_steps();
    host.call(SYS_close, static_cast<int>(host.call(SYS_socket, AF_UNIX, SOCK_DGRAM, 0)));
    return domain.collection_steps() - before;
  };
  for (const size_t length : {100u, 1000u}) {
    std::vector<std::array<int, 2>> pairs(length);
    for (auto& pair : pairs) ASSERT_EQ(host.call(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair.data()), 0);
    for (size_t i = 0; i < length; ++i) carry(host, pairs[i][0], pairs[(i + 1) % length][1]);
    const uint64_t first = close_another();
    EXPECT_GE(first, 2 * length);
    EXPECT_LE(first, 6 * length);
    const uint64_t second = close_another();
    EXPECT_GE(second, length);
    EXPECT_LE(second, 4 * length);
    for (auto& pair : pairs) {
      for (int end : pair) host.call(SYS_close, end);
    }
    EXPECT_EQ(domain.count_open(), length);
    close_another();
    EXPECT_EQ(domain.count_open(), 0u);
    EXPECT_EQ(domain.in_flight(), 0u);
    EXPECT_EQ(close_another(), 0u);
  }
}

}  // namespace
}  // namespace lxnet
