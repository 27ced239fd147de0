// UDP: every way to send and receive, names that are wrong, control messages, errors of the queue, both families.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void receive(int fd, int flags, size_t room, size_t control_room) {
  char bytes[64], control[256];
  struct sockaddr_storage name;
  struct iovec pieces[2] = {{bytes, room / 2}, {bytes + 32, room - room / 2}};
  memset(control, 0, sizeof control);
  struct msghdr message = {.msg_name = &name,
                           .msg_namelen = sizeof name,
                           .msg_iov = pieces,
                           .msg_iovlen = 2,
                           .msg_control = control,
                           .msg_controllen = control_room};
  recvmsg(fd, &message, flags | MSG_DONTWAIT);
}

static int bound(int family, struct sockaddr_storage* name, socklen_t* size) {
  int fd = socket(family, SOCK_DGRAM, 0);
  memset(name, 0, sizeof *name);
  name->ss_family = (sa_family_t)family;
  *size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  if (family == AF_INET) {
    ((struct sockaddr_in*)name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    ((struct sockaddr_in6*)name)->sin6_addr = in6addr_loopback;
  }
  bind(fd, (struct sockaddr*)name, *size);
  getsockname(fd, (struct sockaddr*)name, size);
  return fd;
}

static void names(int family) {
  struct sockaddr_storage name;
  socklen_t size;
  int to = bound(family, &name, &size), from = socket(family, SOCK_DGRAM, 0);
  send(from, "x", 1, 0);
  struct sockaddr_storage wrong = name;
  ((struct sockaddr_in*)&wrong)->sin_port = htons(9);  // the port is plain data to strace now
  wrong.ss_family = AF_UNIX;
  sendto(from, "x", 1, 0, (struct sockaddr*)&wrong, size);
  wrong.ss_family = AF_UNSPEC;
  sendto(from, "x", 1, 0, (struct sockaddr*)&wrong, size);
  wrong.ss_family = (sa_family_t)family;
  sendto(from, "x", 1, 0, (struct sockaddr*)&wrong, size - 10);
  sendto(from, "x", 1, 0, (struct sockaddr*)&wrong, 1);
  ((struct sockaddr_in*)&wrong)->sin_port = 0;
  sendto(from, "x", 1, 0, (struct sockaddr*)&wrong, size);
  sendto(from, "whole name", 10, MSG_CONFIRM, (struct sockaddr*)&name, size);
  bind(from, (struct sockaddr*)&name, size);
  connect(from, (struct sockaddr*)&name, size);
  connect(from, (struct sockaddr*)&name, size);
  send(from, "connected", 9, 0);
  sendto(from, "and named", 9, 0, (struct sockaddr*)&name, size);
  char big[70000] = {0};
  send(from, big, sizeof big, 0);
  send(from, "oob", 3, MSG_OOB);
  struct mmsghdr several[3];
  struct iovec piece = {"several", 7};
  memset(several, 0, sizeof several);
  for (int i = 0; i < 3; i++) {
    several[i].msg_hdr.msg_iov = &piece;
    several[i].msg_hdr.msg_iovlen = 1;
  }
  sendmmsg(from, several, 3, 0);
  int pending = 0;
  ioctl(to, FIONREAD, &pending);
  receive(to, MSG_PEEK, 4, 0);
  receive(to, MSG_TRUNC, 4, 0);
  receive(to, 0, 64, 0);
  receive(to, MSG_OOB, 64, 0);
  for (int i = 0; i < 5; i++) receive(to, 0, 64, 100);
  shutdown(to, SHUT_RD);
  getpeername(from, (struct sockaddr*)&wrong, &size);
  shutdown(from, SHUT_WR);
  send(from, "x", 1, MSG_NOSIGNAL);
  listen(from, 1);
  accept(from, NULL, NULL);
  connect(from, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
  getpeername(from, (struct sockaddr*)&wrong, &size);
  close(from);
  close(to);
}

static void control(int family) {
  struct sockaddr_storage name;
  socklen_t size;
  int to = bound(family, &name, &size), from = socket(family, SOCK_DGRAM, 0), on = 1;
  if (family == AF_INET) {
    int options[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, IP_RECVORIGDSTADDR, IP_RECVERR};
    for (int i = 0; i < 7; i++) setsockopt(to, IPPROTO_IP, options[i], &on, sizeof on);
    setsockopt(from, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    int ttl = 7, tos = 0x28;
    setsockopt(from, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    setsockopt(from, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  } else {
    int options[] = {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR, IPV6_RECVERR};
    for (int i = 0; i < 5; i++) setsockopt(to, IPPROTO_IPV6, options[i], &on, sizeof on);
    setsockopt(from, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    int hops = 9, tclass = 0x28;
    setsockopt(from, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
    setsockopt(from, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof tclass);
  }
  for (size_t room = 0; room <= 256; room += 32) {
    sendto(from, "control", 7, 0, (struct sockaddr*)&name, size);
    receive(to, 0, 64, room);
  }
  connect(from, (struct sockaddr*)&name, size);
  close(to);
  send(from, "nobody", 6, 0);
  struct pollfd one = {from, POLLIN | POLLOUT, 0};
  poll(&one, 1, 1000);
  receive(from, 0, 64, 0);
  poll(&one, 1, 0);
  receive(from, MSG_ERRQUEUE, 64, 256);
  receive(from, MSG_ERRQUEUE, 64, 256);
  send(from, "again", 5, 0);
  send(from, "again", 5, 0);
  int error;
  socklen_t error_size = sizeof error;
  getsockopt(from, SOL_SOCKET, SO_ERROR, &error, &error_size);
  receive(from, MSG_ERRQUEUE, 64, 40);
  close(from);
}

static void corked_and_cut(void) {
  struct sockaddr_storage name;
  socklen_t size;
  int to = bound(AF_INET, &name, &size), from = socket(AF_INET, SOCK_DGRAM, 0), on = 1, off = 0, piece = 4;
  connect(from, (struct sockaddr*)&name, size);
  send(from, "one ", 4, MSG_MORE);
  send(from, "datagram", 8, 0);
  receive(to, 0, 64, 0);
  setsockopt(from, IPPROTO_UDP, UDP_CORK, &on, sizeof on);
  send(from, "held", 4, 0);
  receive(to, 0, 64, 0);
  setsockopt(from, IPPROTO_UDP, UDP_CORK, &off, sizeof off);
  receive(to, 0, 64, 0);
  setsockopt(from, IPPROTO_UDP, UDP_SEGMENT, &piece, sizeof piece);
  send(from, "cut to pieces", 13, 0);
  for (int i = 0; i < 4; i++) receive(to, 0, 64, 0);
  setsockopt(to, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
  send(from, "0123456789ab", 12, 0);
  receive(to, 0, 64, 128);
  receive(to, 0, 64, 128);
  close(from);
  close(to);
}

int main(void) {
  int families[] = {AF_INET, AF_INET6};
  for (int i = 0; i < 2; i++) {
    names(families[i]);
    control(families[i]);
  }
  corked_and_cut();
  return 0;
}
