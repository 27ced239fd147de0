// Every call that asks or moves something, on a TCP socket in each state of its life, IPv4 and IPv6.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int family;
static struct sockaddr_storage address;
static socklen_t address_size;

// Nothing here may block: each call says what the state makes of it.
static void ask_everything(int fd) {
  char bytes[16];
  struct sockaddr_storage name;
  struct iovec piece = {bytes, sizeof bytes};
  struct msghdr message = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &piece, .msg_iovlen = 1};
  socklen_t size = sizeof name;
  int value = 0;
  struct pollfd one = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
  poll(&one, 1, 0);
  getsockname(fd, (struct sockaddr*)&name, &size);
  size = sizeof name;
  getpeername(fd, (struct sockaddr*)&name, &size);
  for (int option = 1; option <= 4; option++) {
    size = sizeof value;
    getsockopt(fd, SOL_SOCKET,
               option == 1   ? SO_ERROR
               : option == 2 ? SO_ACCEPTCONN
               : option == 3 ? SO_TYPE
                             : SO_DOMAIN,
               &value, &size);
  }
  size = sizeof value;
  getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size);
  recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
  recv(fd, bytes, 1, MSG_DONTWAIT | MSG_OOB);
  recvmsg(fd, &message, MSG_DONTWAIT | MSG_ERRQUEUE);
  ioctl(fd, FIONREAD, &value);
  ioctl(fd, TIOCOUTQ, &value);
  accept4(fd, NULL, NULL, SOCK_NONBLOCK);
  send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int new_socket(void) { return socket(family, SOCK_STREAM, 0); }

static int new_listener(void) {
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  address_size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  memset(&address, 0, sizeof address);
  address.ss_family = (sa_family_t)family;
  if (family == AF_INET) {
    ((struct sockaddr_in*)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else {
    ((struct sockaddr_in6*)&address)->sin6_addr = in6addr_loopback;
  }
  bind(fd, (struct sockaddr*)&address, address_size);
  ask_everything(fd);
  listen(fd, 3);
  getsockname(fd, (struct sockaddr*)&address, &address_size);
  return fd;
}

struct pair {
  int client, server;
};

static struct pair connect_pair(int listener) {
  struct pair pair = {new_socket(), -1};
  if (connect(pair.client, (struct sockaddr*)&address, address_size) != 0) abort();
  pair.server = accept(listener, NULL, NULL);
  return pair;
}

static void live(int listener) {
  struct pair pair = connect_pair(listener);
  ask_everything(pair.client);
  connect(pair.client, (struct sockaddr*)&address, address_size);
  bind(pair.client, (struct sockaddr*)&address, address_size);
  listen(pair.client, 1);
  send(pair.client, "some bytes", 10, 0);
  ask_everything(pair.server);
  char bytes[32] = {0};
  recv(pair.server, bytes, 4, 0);
  recv(pair.server, bytes, sizeof bytes, MSG_TRUNC);
  send(pair.client, "urgent", 6, MSG_OOB);
  struct pollfd one = {pair.server, POLLIN | POLLPRI, 0};
  poll(&one, 1, 1000);
  int mark = 0;
  ioctl(pair.server, SIOCATMARK, &mark);
  ask_everything(pair.server);
  recv(pair.server, bytes, sizeof bytes, 0);
  ioctl(pair.server, SIOCATMARK, &mark);
  struct iovec two[2] = {{"ab", 2}, {"cde", 3}};
  writev(pair.server, two, 2);
  readv(pair.client, &(struct iovec){bytes, sizeof bytes}, 1);

  shutdown(pair.client, SHUT_WR);
  one.events = POLLRDHUP;
  poll(&one, 1, 1000);
  ask_everything(pair.client);
  ask_everything(pair.server);
  send(pair.server, "answer", 6, 0);
  recv(pair.client, bytes, sizeof bytes, 0);
  shutdown(pair.server, SHUT_RDWR);
  one.fd = pair.client;
  one.events = POLLIN;
  poll(&one, 1, 1000);
  ask_everything(pair.client);
  ask_everything(pair.server);
  shutdown(pair.client, SHUT_RD);
  shutdown(pair.client, SHUT_WR);
  close(pair.client);
  close(pair.server);
}

static void die(int listener) {
  struct pair pair = connect_pair(listener);
  struct linger at_once = {1, 0};
  setsockopt(pair.server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(pair.server);
  ask_everything(pair.client);
  send(pair.client, "x", 1, 0);  // SIGPIPE, ignored
  ask_everything(pair.client);
  connect(pair.client, (struct sockaddr*)&address, address_size);
  close(pair.client);

  // With data unread the close is a reset too.
  pair = connect_pair(listener);
  send(pair.client, "never read", 10, 0);
  close(pair.server);
  char byte;
  recv(pair.client, &byte, 1, 0);
  ask_everything(pair.client);
  close(pair.client);
}

static void refuse_and_start_again(void) {
  int fd = new_socket(), flag = 1;
  ask_everything(fd);
  struct sockaddr_storage nobody = address;
  connect(fd, (struct sockaddr*)&nobody, address_size);
  ask_everything(fd);
  ioctl(fd, FIONBIO, &flag);
  connect(fd, (struct sockaddr*)&nobody, address_size);
  struct pollfd one = {fd, POLLOUT, 0};
  poll(&one, 1, 1000);
  ask_everything(fd);
  connect(fd, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
  ask_everything(fd);
  listen(fd, 1);
  ask_everything(fd);
  shutdown(fd, SHUT_RDWR);
  ask_everything(fd);
  close(fd);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int families[] = {AF_INET, AF_INET6};
  for (int i = 0; i < 2; i++) {
    family = families[i];
    int listener = new_listener();
    ask_everything(listener);
    live(listener);
    die(listener);
    close(listener);
    refuse_and_start_again();
  }
  return 0;
}
