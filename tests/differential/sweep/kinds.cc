// Sockets of every kind, and in the states in which calls answer differently.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "tests/differential/sweep/sweep.hh"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

namespace sweep {
namespace {

[[noreturn]] void give_up(const char* what) {
  perror(what);
  abort();
}
void must(long result, const char* what) {
  if (result < 0) give_up(what);
}

template <int kFamily, int kType, int kProtocol = 0>
Subject fresh() {
  Subject subject;
  subject.family = kFamily;
  subject.type = kType;
  subject.socket = Fd(socket(kFamily, kType | SOCK_NONBLOCK, kProtocol));
  must(subject.socket, "socket");
  return subject;
}

void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  if (poll(&entry, 1, 5000) != 1) give_up("poll");
}

template <int kFamily, int kType, int kProtocol = 0>
Subject bound() {
  Subject subject = fresh<kFamily, kType, kProtocol>();
  Name name = loopback(kFamily, 0);
  must(bind(subject.socket, name.get(), name.length), "bind");
  return subject;
}

// Both ends know each other, whatever the kind.
template <int kFamily, int kType, int kProtocol = 0>
Subject connected() {
  Subject subject = bound<kFamily, kType, kProtocol>();
  Subject peer = bound<kFamily, kType, kProtocol>();
  Name name = own_name(peer.socket);
  if (kType == SOCK_STREAM || kType == SOCK_SEQPACKET) {
    must(listen(peer.socket, 5), "listen");
    if (connect(subject.socket, name.get(), name.length) != 0 && errno != EINPROGRESS) give_up("connect");
    wait_for(peer.socket, POLLIN);
    const int child = accept4(peer.socket, nullptr, nullptr, SOCK_NONBLOCK);
    must(child, "accept");
    wait_for(subject.socket, POLLOUT);
    subject.others.emplace_back(child);
    subject.others.push_back(std::move(peer.socket));
    return subject;
  }
  must(connect(subject.socket, name.get(), name.length), "connect");
  name = own_name(subject.socket);
  if (kType != SOCK_RAW) must(connect(peer.socket, name.get(), name.length), "connect back");
  subject.others.push_back(std::move(peer.socket));
  return subject;
}

template <int kFamily, int kType>
Subject listening() {
  Subject subject = bound<kFamily, kType>();
  must(listen(subject.socket, 5), "listen");
  return subject;
}

template <int kFamily, int kType>
Subject with_data() {
  Subject subject = connected<kFamily, kType>();
  must(send(subject.others[0], "hello", 5, 0), "send");
  must(send(subject.others[0], "world!", 6, 0), "send");
  wait_for(subject.socket, POLLIN);
  return subject;
}

template <int kFamily, int kType>
Subject peer_closed() {
  Subject subject = connected<kFamily, kType>();
  subject.others[0].reset();
  if (kType != SOCK_DGRAM) wait_for(subject.socket, POLLRDHUP);
  return subject;
}

template <int kFamily, int kType, int kHow>
Subject shut() {
  Subject subject = with_data<kFamily, kType>();
  must(shutdown(subject.socket, kHow), "shutdown");
  return subject;
}

// A port nobody is at, told by an error that is still to be had.
template <int kFamily>
Subject udp_refused() {
  // Bound first: else its port may be the one that is let go here, and it hears itself.
  Subject subject = bound<kFamily, SOCK_DGRAM>();
  Name name;
  {
    const Subject once = bound<kFamily, SOCK_DGRAM>();
    name = own_name(once.socket);
  }
  must(connect(subject.socket, name.get(), name.length), "connect");
  must(send(subject.socket, "x", 1, 0), "send");
  wait_for(subject.socket, POLLERR);
  return subject;
}
template <int kFamily>
Subject udp_refused_and_recorded() {
  Subject subject = udp_refused<kFamily>();
  int error;
  socklen_t length = sizeof error;
  must(getsockopt(subject.socket, SOL_SOCKET, SO_ERROR, &error, &length), "getsockopt");
  const int on = 1;
  must(setsockopt(subject.socket, kFamily == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, kFamily == AF_INET ? IP_RECVERR : IPV6_RECVERR,
                  &on, sizeof on),
       "setsockopt");
  must(send(subject.socket, "x", 1, 0), "send");
  wait_for(subject.socket, POLLERR);
  return subject;
}

// The peer closed with bytes unread.
template <int kFamily>
Subject tcp_reset() {
  Subject subject = connected<kFamily, SOCK_STREAM>();
  must(send(subject.socket, "unread", 6, 0), "send");
  wait_for(subject.others[0], POLLIN);
  subject.others[0].reset();
  wait_for(subject.socket, POLLERR);
  return subject;
}
template <int kFamily>
Subject tcp_refused() {
  Subject subject = fresh<kFamily, SOCK_STREAM>();
  Name name;
  {
    const Subject once = bound<kFamily, SOCK_STREAM>();
    name = own_name(once.socket);
  }
  if (connect(subject.socket, name.get(), name.length) != 0 && errno != EINPROGRESS) give_up("connect");
  wait_for(subject.socket, POLLOUT);
  return subject;
}
template <int kFamily>
Subject tcp_urgent() {
  Subject subject = connected<kFamily, SOCK_STREAM>();
  must(send(subject.others[0], "abc", 3, 0), "send");
  must(send(subject.others[0], "u", 1, MSG_OOB), "send");
  must(send(subject.others[0], "de", 2, 0), "send");
  wait_for(subject.socket, POLLPRI);
  return subject;
}

Subject netlink_bound() {
  Subject subject = fresh<AF_NETLINK, SOCK_RAW, NETLINK_ROUTE>();
  sockaddr_nl name{};
  name.nl_family = AF_NETLINK;
  must(bind(subject.socket, reinterpret_cast<sockaddr*>(&name), sizeof name), "bind");
  return subject;
}
template <int kType>
Subject packet_bound() {
  Subject subject = fresh<AF_PACKET, kType>();
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(0x88b5);
  name.sll_ifindex = 1;
  must(bind(subject.socket, reinterpret_cast<sockaddr*>(&name), sizeof name), "bind");
  return subject;
}

template <int kFamily>
void add_streams(std::vector<Kind>& list, const std::string& name) {
  list.push_back({name, fresh<kFamily, SOCK_STREAM>, true});
  list.push_back({name + " bound", bound<kFamily, SOCK_STREAM>, false});
  list.push_back({name + " listening", listening<kFamily, SOCK_STREAM>, false});
  list.push_back({name + " connected", connected<kFamily, SOCK_STREAM>, false});
  list.push_back({name + " with data", with_data<kFamily, SOCK_STREAM>, false});
  list.push_back({name + " peer closed", peer_closed<kFamily, SOCK_STREAM>, false});
  list.push_back({name + " shut for reading", shut<kFamily, SOCK_STREAM, SHUT_RD>, false});
  list.push_back({name + " shut for writing", shut<kFamily, SOCK_STREAM, SHUT_WR>, false});
  list.push_back({name + " shut", shut<kFamily, SOCK_STREAM, SHUT_RDWR>, false});
}
template <int kFamily, int kType>
void add_datagrams(std::vector<Kind>& list, const std::string& name) {
  list.push_back({name, fresh<kFamily, kType>, true});
  list.push_back({name + " bound", bound<kFamily, kType>, false});
  list.push_back({name + " connected", connected<kFamily, kType>, false});
  list.push_back({name + " with data", with_data<kFamily, kType>, false});
  list.push_back({name + " peer closed", peer_closed<kFamily, kType>, false});
  list.push_back({name + " shut for reading", shut<kFamily, kType, SHUT_RD>, false});
  list.push_back({name + " shut for writing", shut<kFamily, kType, SHUT_WR>, false});
  list.push_back({name + " shut", shut<kFamily, kType, SHUT_RDWR>, false});
}

template <int kFamily>
void add_internet(std::vector<Kind>& list, const std::string& version) {
  constexpr int kIcmp = kFamily == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  add_streams<kFamily>(list, "tcp" + version);
  list.push_back({"tcp" + version + " reset", tcp_reset<kFamily>, false});
  list.push_back({"tcp" + version + " refused", tcp_refused<kFamily>, false});
  list.push_back({"tcp" + version + " with urgent", tcp_urgent<kFamily>, false});
  add_datagrams<kFamily, SOCK_DGRAM>(list, "udp" + version);
  list.push_back({"udp" + version + " refused", udp_refused<kFamily>, false});
  list.push_back({"udp" + version + " refused and recorded", udp_refused_and_recorded<kFamily>, false});
  list.push_back({"udplite" + version, fresh<kFamily, SOCK_DGRAM, IPPROTO_UDPLITE>, true});
  list.push_back({"raw" + version, fresh<kFamily, SOCK_RAW, 253>, true});
  list.push_back({"raw" + version + " connected", connected<kFamily, SOCK_RAW, 253>, false});
  list.push_back({"raw" + version + " with header", fresh<kFamily, SOCK_RAW, IPPROTO_RAW>, true});
  list.push_back({"icmp" + version, fresh<kFamily, SOCK_RAW, kIcmp>, true});
  list.push_back({"ping" + version, fresh<kFamily, SOCK_DGRAM, kIcmp>, true});
  list.push_back({"ping" + version + " connected", connected<kFamily, SOCK_DGRAM, kIcmp>, false});
}

std::vector<Kind> make_kinds() {
  std::vector<Kind> list;
  add_internet<AF_INET>(list, "4");
  add_internet<AF_INET6>(list, "6");
  add_streams<AF_UNIX>(list, "unix stream");
  add_datagrams<AF_UNIX, SOCK_DGRAM>(list, "unix datagram");
  list.push_back({"unix seqpacket", fresh<AF_UNIX, SOCK_SEQPACKET>, true});
  list.push_back({"unix seqpacket listening", listening<AF_UNIX, SOCK_SEQPACKET>, false});
  list.push_back({"unix seqpacket connected", connected<AF_UNIX, SOCK_SEQPACKET>, false});
  list.push_back({"unix seqpacket with data", with_data<AF_UNIX, SOCK_SEQPACKET>, false});
  list.push_back({"unix seqpacket peer closed", peer_closed<AF_UNIX, SOCK_SEQPACKET>, false});
  list.push_back({"unix seqpacket shut", shut<AF_UNIX, SOCK_SEQPACKET, SHUT_RDWR>, false});
  list.push_back({"netlink", fresh<AF_NETLINK, SOCK_RAW, NETLINK_ROUTE>, true});
  list.push_back({"netlink bound", netlink_bound, false});
  list.push_back({"netlink diag", fresh<AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG>, true});
  list.push_back({"packet", fresh<AF_PACKET, SOCK_RAW>, true});
  list.push_back({"packet bound", packet_bound<SOCK_RAW>, false});
  list.push_back({"packet datagram", fresh<AF_PACKET, SOCK_DGRAM>, true});
  list.push_back({"packet datagram bound", packet_bound<SOCK_DGRAM>, false});
  return list;
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> list = make_kinds();
  return list;
}

}  // namespace sweep
