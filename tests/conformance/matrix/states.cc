#include "tests/conformance/matrix/states.hh"

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdlib>

namespace conformance {
namespace {

constexpr int kNonBlocking = SOCK_NONBLOCK;

[[noreturn]] void give_up(const char* what) {
  perror(what);
  abort();
}

void must(long result, const char* what) {
  if (result < 0) give_up(what);
}

Fd make_socket(int family, int type, int protocol = 0) {
  const int fd = ::socket(family, type | kNonBlocking, protocol);
  must(fd, "socket");
  return Fd(fd);
}

void bind_anywhere(int fd, int family) {
  const Name name = loopback(family, 0);
  must(::bind(fd, name.get(), name.length), "bind");
}

void connect_name(int fd, const Name& name) {
  if (::connect(fd, name.get(), name.length) != 0 && errno != EINPROGRESS) give_up("connect");
}

void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  if (::poll(&entry, 1, 5000) != 1) give_up("poll");
}

void disconnect(int fd) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  must(::connect(fd, &nobody, sizeof nobody), "disconnect");
}

// A name nobody is at.
Name closed_name(int family, int type) {
  const Fd once = make_socket(family, type);
  bind_anywhere(once, family);
  return own_name(once);
}

// ------------------------------------------------------------------------------------------------------------------
// datagrams

Subject datagram(int family) {
  Subject subject;
  subject.socket = make_socket(family, SOCK_DGRAM);
  subject.family = family;
  subject.type = SOCK_DGRAM;
  return subject;
}
Subject datagram_bound(int family) {
  Subject subject = datagram(family);
  bind_anywhere(subject.socket, family);
  return subject;
}
// Both ends know each other.
Subject datagram_connected(int family) {
  Subject subject = datagram_bound(family);
  Subject peer = datagram_bound(family);
  connect_name(subject.socket, own_name(peer.socket));
  connect_name(peer.socket, own_name(subject.socket));
  subject.others.push_back(std::move(peer.socket));
  return subject;
}
Subject datagram_connected_only(int family) {
  Subject subject = datagram(family);
  Subject peer = datagram_bound(family);
  connect_name(subject.socket, own_name(peer.socket));
  subject.others.push_back(std::move(peer.socket));
  return subject;
}
Subject datagram_with_one(int family) {
  Subject subject = datagram_connected(family);
  must(::send(subject.others[0], "hello", 5, 0), "send");
  return subject;
}
Subject datagram_with_empty_one(int family) {
  Subject subject = datagram_connected(family);
  must(::send(subject.others[0], "", 0, 0), "send");
  must(::send(subject.others[0], "second", 6, 0), "send");
  return subject;
}
Subject datagram_refused(int family) {
  Subject subject = datagram(family);
  connect_name(subject.socket, closed_name(family, SOCK_DGRAM));
  must(::send(subject.socket, "x", 1, 0), "send");
  wait_for(subject.socket, POLLERR);
  return subject;
}
Subject datagram_refused_and_recorded(int family) {
  Subject subject = datagram(family);
  const int on = 1;
  must(::setsockopt(subject.socket, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, family == AF_INET ? IP_RECVERR : IPV6_RECVERR,
                    &on, sizeof on),
       "setsockopt");
  connect_name(subject.socket, closed_name(family, SOCK_DGRAM));
  must(::send(subject.socket, "x", 1, 0), "send");
  wait_for(subject.socket, POLLERR);
  return subject;
}
template <int kHow>
Subject datagram_shut(int family) {
  Subject subject = datagram_connected(family);
  must(::shutdown(subject.socket, kHow), "shutdown");
  return subject;
}
Subject datagram_shut_with_one(int family) {
  Subject subject = datagram_with_one(family);
  must(::shutdown(subject.socket, SHUT_RD), "shutdown");
  return subject;
}
Subject datagram_disconnected(int family) {
  Subject subject = datagram_connected(family);
  disconnect(subject.socket);
  return subject;
}
Subject datagram_peer_closed(int family) {
  Subject subject = datagram_connected(family);
  subject.others.clear();
  return subject;
}
// An AF_INET6 socket whose peer is an IPv4 one.
Subject datagram_mapped(int) {
  Subject subject = datagram(AF_INET6);
  Subject peer = datagram_bound(AF_INET);
  sockaddr_in name = name_of(peer.socket);
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = name.sin_port;
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
  must(connect_to(subject.socket, mapped), "connect");
  subject.others.push_back(std::move(peer.socket));
  return subject;
}

// --------------------------------------------------------------------------------------------------------------------
// streams

Subject stream(int family) {
  Subject subject;
  subject.socket = make_socket(family, SOCK_STREAM);
  subject.family = family;
  return subject;
}
Subject stream_bound(int family) {
  Subject subject = stream(family);
  bind_anywhere(subject.socket, family);
  return subject;
}
template <int kBacklog>
Subject stream_listening(int family) {
  Subject subject = stream_bound(family);
  must(::listen(subject.socket, kBacklog), "listen");
  return subject;
}
Subject stream_listening_with_one(int family) {
  Subject subject = stream_listening<5>(family);
  Fd client = make_socket(family, SOCK_STREAM);
  connect_name(client, own_name(subject.socket));
  wait_for(subject.socket, POLLIN);
  subject.others.push_back(std::move(client));
  return subject;
}
// A listener's queue is full, so that the next SYN stays without an answer.
Subject stream_connecting(int family) {
  Subject full = stream_listening<0>(family);
  const Name name = own_name(full.socket);
  Fd first = make_socket(family, SOCK_STREAM);
  connect_name(first, name);
  wait_for(full.socket, POLLIN);
  Subject subject = stream(family);
  connect_name(subject.socket, name);
  subject.others.push_back(std::move(full.socket));
  subject.others.push_back(std::move(first));
  return subject;
}
Subject stream_refused(int family) {
  Subject subject = stream(family);
  connect_name(subject.socket, closed_name(family, SOCK_STREAM));
  wait_for(subject.socket, POLLOUT);
  return subject;
}
// others[0] is the peer.
Subject stream_connected(int family) {
  Subject listener = stream_listening<5>(family);
  Subject subject = stream(family);
  connect_name(subject.socket, own_name(listener.socket));
  wait_for(listener.socket, POLLIN);
  const int child = ::accept4(listener.socket, nullptr, nullptr, kNonBlocking);
  must(child, "accept");
  wait_for(subject.socket, POLLOUT);
  subject.others.emplace_back(child);
  subject.others.push_back(std::move(listener.socket));
  return subject;
}
// The connect() that was under way is asked for once more, as programs do.
Subject stream_settled(int family) {
  Subject subject = stream_connected(family);
  const Name name = own_name(subject.others[1]);
  must(::connect(subject.socket, name.get(), name.length), "connect");
  return subject;
}
Subject stream_accepted(int family) {
  Subject subject = stream_connected(family);
  std::swap(subject.socket, subject.others[0]);
  return subject;
}
Subject stream_with_data(int family) {
  Subject subject = stream_connected(family);
  must(::send(subject.others[0], "hello world", 11, 0), "send");
  wait_for(subject.socket, POLLIN);
  return subject;
}
Subject stream_with_urgent(int family) {
  Subject subject = stream_connected(family);
  must(::send(subject.others[0], "abc", 3, 0), "send");
  must(::send(subject.others[0], "u", 1, MSG_OOB), "send");
  must(::send(subject.others[0], "de", 2, 0), "send");
  wait_for(subject.socket, POLLPRI);
  return subject;
}
Subject stream_at_mark(int family) {
  Subject subject = stream_with_urgent(family);
  char bytes[3];
  must(::recv(subject.socket, bytes, 3, 0), "recv");
  return subject;
}
Subject stream_peer_shut(int family) {
  Subject subject = stream_connected(family);
  must(::shutdown(subject.others[0], SHUT_WR), "shutdown");
  wait_for(subject.socket, POLLRDHUP);
  return subject;
}
Subject stream_peer_shut_with_data(int family) {
  Subject subject = stream_with_data(family);
  must(::shutdown(subject.others[0], SHUT_WR), "shutdown");
  wait_for(subject.socket, POLLRDHUP);
  return subject;
}
Subject stream_peer_closed(int family) {
  Subject subject = stream_connected(family);
  subject.others[0].reset();
  wait_for(subject.socket, POLLRDHUP);
  return subject;
}
// What was sent after the peer had closed was answered by a reset.
Subject stream_broken(int family) {
  Subject subject = stream_peer_closed(family);
  must(::send(subject.socket, "x", 1, MSG_NOSIGNAL), "send");
  wait_for(subject.socket, POLLERR);
  return subject;
}
// The peer closed with bytes unread.
Subject stream_reset(int family) {
  Subject subject = stream_connected(family);
  must(::send(subject.socket, "unread", 6, 0), "send");
  wait_for(subject.others[0], POLLIN);
  subject.others[0].reset();
  wait_for(subject.socket, POLLERR);
  return subject;
}
Subject stream_reset_and_told(int family) {
  Subject subject = stream_reset(family);
  int error = 0;
  socklen_t length = sizeof error;
  must(::getsockopt(subject.socket, SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  return subject;
}
Subject stream_reset_with_data(int family) {
  Subject subject = stream_with_data(family);
  must(::send(subject.socket, "unread", 6, 0), "send");
  wait_for(subject.others[0], POLLIN);
  subject.others[0].reset();
  wait_for(subject.socket, POLLERR);
  return subject;
}
template <int kHow>
Subject stream_shut(int family) {
  Subject subject = stream_connected(family);
  must(::shutdown(subject.socket, kHow), "shutdown");
  return subject;
}
Subject stream_shut_with_data(int family) {
  Subject subject = stream_with_data(family);
  must(::shutdown(subject.socket, SHUT_RD), "shutdown");
  return subject;
}
// Both sides have said their last: TIME_WAIT, or the other end of it.
Subject stream_finished(int family) {
  Subject subject = stream_shut<SHUT_WR>(family);
  must(::shutdown(subject.others[0], SHUT_WR), "shutdown");
  wait_for(subject.socket, POLLHUP);
  return subject;
}
Subject stream_last_acked(int family) {
  Subject subject = stream_peer_shut(family);
  must(::shutdown(subject.socket, SHUT_WR), "shutdown");
  wait_for(subject.socket, POLLHUP);
  return subject;
}
Subject stream_disconnected(int family) {
  Subject subject = stream_settled(family);
  disconnect(subject.socket);
  return subject;
}
Subject stream_unlistened(int family) {
  Subject subject = stream_listening<5>(family);
  must(::shutdown(subject.socket, SHUT_RD), "shutdown");
  return subject;
}
Subject stream_oob_inline(int family) {
  Subject subject = stream_connected(family);
  const int on = 1;
  must(::setsockopt(subject.socket, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on), "setsockopt");
  must(::send(subject.others[0], "u", 1, MSG_OOB), "send");
  wait_for(subject.socket, POLLIN);
  return subject;
}

// ---------------------------------------------------------------------------------------------------------------
// raw and ping

Subject raw(int family) {
  Subject subject;
  subject.socket = make_socket(family, SOCK_RAW, 253);
  subject.family = family;
  subject.type = SOCK_RAW;
  subject.own_bytes = family == AF_INET ? 20 : 0;
  return subject;
}
Subject raw_bound(int family) {
  Subject subject = raw(family);
  bind_anywhere(subject.socket, family);
  return subject;
}
Subject raw_connected(int family) {
  Subject subject = raw(family);
  connect_name(subject.socket, loopback(family, 0));
  return subject;
}
Subject raw_with_one(int family) {
  Subject subject = raw_connected(family);
  must(::send(subject.socket, "hello", 5, 0), "send");
  wait_for(subject.socket, POLLIN);
  return subject;
}
Subject raw_disconnected(int family) {
  Subject subject = raw_connected(family);
  disconnect(subject.socket);
  return subject;
}

Subject ping(int family) {
  Subject subject;
  subject.socket = make_socket(family, SOCK_DGRAM, family == AF_INET ? 1 : 58);
  subject.family = family;
  subject.type = SOCK_DGRAM;
  subject.own_bytes = 8;
  return subject;
}
Subject ping_bound(int family) {
  Subject subject = ping(family);
  bind_anywhere(subject.socket, family);
  return subject;
}
Subject ping_connected(int family) {
  Subject subject = ping(family);
  connect_name(subject.socket, loopback(family, 0));
  return subject;
}
Subject ping_answered(int family) {
  Subject subject = ping_connected(family);
  const char request[12] = {static_cast<char>(family == AF_INET ? 8 : 128), 0, 0, 0, 0, 0, 0, 1, 'p', 'i', 'n', 'g'};
  must(::send(subject.socket, request, sizeof request, 0), "send");
  wait_for(subject.socket, POLLIN);
  return subject;
}

// --------------------------------------------------------------------------------------------------------------------
// AF_UNIX

template <int kType>
Subject unix_new(int) {
  Subject subject;
  subject.socket = make_socket(AF_UNIX, kType);
  subject.family = AF_UNIX;
  subject.type = kType;
  return subject;
}
template <int kType>
Subject unix_bound(int family) {
  Subject subject = unix_new<kType>(family);
  bind_anywhere(subject.socket, AF_UNIX);
  return subject;
}
template <int kType>
Subject unix_listening(int family) {
  Subject subject = unix_bound<kType>(family);
  must(::listen(subject.socket, 5), "listen");
  return subject;
}
template <int kType>
Subject unix_pair(int) {
  int ends[2];
  must(::socketpair(AF_UNIX, kType | kNonBlocking, 0, ends), "socketpair");
  Subject subject;
  subject.socket = Fd(ends[0]);
  subject.others.emplace_back(ends[1]);
  subject.family = AF_UNIX;
  subject.type = kType;
  return subject;
}
template <int kType>
Subject unix_with_data(int family) {
  Subject subject = unix_pair<kType>(family);
  must(::send(subject.others[0], "hello", 5, 0), "send");
  return subject;
}
template <int kType>
Subject unix_peer_closed(int family) {
  Subject subject = unix_pair<kType>(family);
  subject.others.clear();
  return subject;
}
template <int kType>
Subject unix_peer_closed_with_data(int family) {
  Subject subject = unix_with_data<kType>(family);
  subject.others.clear();
  return subject;
}
template <int kType>
Subject unix_peer_closed_unread(int family) {
  Subject subject = unix_pair<kType>(family);
  must(::send(subject.socket, "unread", 6, 0), "send");
  subject.others.clear();
  return subject;
}
template <int kType, int kHow>
Subject unix_shut(int family) {
  Subject subject = unix_pair<kType>(family);
  must(::shutdown(subject.socket, kHow), "shutdown");
  return subject;
}
template <int kType, int kHow>
Subject unix_peer_shut(int family) {
  Subject subject = unix_pair<kType>(family);
  must(::shutdown(subject.others[0], kHow), "shutdown");
  return subject;
}

struct Row {
  const char* group;
  const char* name;
  Subject (*make)(int family);
};

constexpr Row kInternet[] = {
    {"udp", "unbound", datagram},
    {"udp", "bound", datagram_bound},
    {"udp", "connected both ways", datagram_connected},
    {"udp", "connected", datagram_connected_only},
    {"udp", "with a datagram", datagram_with_one},
    {"udp", "with an empty datagram", datagram_with_empty_one},
    {"udp", "refused", datagram_refused},
    {"udp", "refused, IP_RECVERR", datagram_refused_and_recorded},
    {"udp", "shut for reading", datagram_shut<SHUT_RD>},
    {"udp", "shut for writing", datagram_shut<SHUT_WR>},
    {"udp", "shut both ways", datagram_shut<SHUT_RDWR>},
    {"udp", "shut for reading with a datagram", datagram_shut_with_one},
    {"udp", "disconnected", datagram_disconnected},
    {"udp", "peer closed", datagram_peer_closed},
    {"tcp", "unbound", stream},
    {"tcp", "bound", stream_bound},
    {"tcp", "listening", stream_listening<5>},
    {"tcp", "listening, a connection waits", stream_listening_with_one},
    {"tcp", "no longer listening", stream_unlistened},
    {"tcp", "connecting", stream_connecting},
    {"tcp", "refused", stream_refused},
    {"tcp", "connected", stream_connected},
    {"tcp", "connected and told so", stream_settled},
    {"tcp", "accepted", stream_accepted},
    {"tcp", "with data", stream_with_data},
    {"tcp", "with urgent data", stream_with_urgent},
    {"tcp", "at the urgent mark", stream_at_mark},
    {"tcp", "urgent data in line", stream_oob_inline},
    {"tcp", "peer shut for writing", stream_peer_shut},
    {"tcp", "peer shut for writing, with data", stream_peer_shut_with_data},
    {"tcp", "peer closed", stream_peer_closed},
    {"tcp", "broken", stream_broken},
    {"tcp", "reset", stream_reset},
    {"tcp", "reset and told", stream_reset_and_told},
    {"tcp", "reset, with data", stream_reset_with_data},
    {"tcp", "shut for reading", stream_shut<SHUT_RD>},
    {"tcp", "shut for writing", stream_shut<SHUT_WR>},
    {"tcp", "shut both ways", stream_shut<SHUT_RDWR>},
    {"tcp", "shut for reading with data", stream_shut_with_data},
    {"tcp", "both shut, first", stream_finished},
    {"tcp", "both shut, last", stream_last_acked},
    {"tcp", "disconnected", stream_disconnected},
    {"raw", "unbound", raw},
    {"raw", "bound", raw_bound},
    {"raw", "connected", raw_connected},
    {"raw", "with a packet", raw_with_one},
    {"raw", "disconnected", raw_disconnected},
    {"ping", "unbound", ping},
    {"ping", "bound", ping_bound},
    {"ping", "connected", ping_connected},
    {"ping", "answered", ping_answered},
};

template <int kType>
std::vector<Row> unix_rows() {
  std::vector<Row> rows{
      {"unix", "new", unix_new<kType>},
      {"unix", "bound", unix_bound<kType>},
      {"unix", "pair", unix_pair<kType>},
      {"unix", "with data", unix_with_data<kType>},
      {"unix", "peer closed", unix_peer_closed<kType>},
      {"unix", "peer closed, with data", unix_peer_closed_with_data<kType>},
      {"unix", "peer closed, unread", unix_peer_closed_unread<kType>},
      {"unix", "shut for reading", unix_shut<kType, SHUT_RD>},
      {"unix", "shut for writing", unix_shut<kType, SHUT_WR>},
      {"unix", "shut both ways", unix_shut<kType, SHUT_RDWR>},
      {"unix", "peer shut for reading", unix_peer_shut<kType, SHUT_RD>},
      {"unix", "peer shut for writing", unix_peer_shut<kType, SHUT_WR>},
      {"unix", "peer shut both ways", unix_peer_shut<kType, SHUT_RDWR>},
  };
  if (kType != SOCK_DGRAM) rows.push_back({"unix", "listening", unix_listening<kType>});
  return rows;
}

void add_unix(std::vector<State>& states, const char* type, const std::vector<Row>& rows) {
  for (const Row& row : rows) states.push_back({std::string(type) + " " + row.name, row.make, AF_UNIX});
}

}  // namespace

std::vector<State> states_of(const std::string& group) {
  std::vector<State> states;
  for (const Row& row : kInternet) {
    if (group != row.group) continue;
    states.push_back({group + "4 " + row.name, row.make, AF_INET});
    states.push_back({group + "6 " + row.name, row.make, AF_INET6});
  }
  if (group == "udp") states.push_back({"udp6 connected to IPv4", datagram_mapped, AF_INET6});
  if (group == "unix") {
    add_unix(states, "stream", unix_rows<SOCK_STREAM>());
    add_unix(states, "datagram", unix_rows<SOCK_DGRAM>());
    add_unix(states, "seqpacket", unix_rows<SOCK_SEQPACKET>());
  }
  return states;
}

}  // namespace conformance
