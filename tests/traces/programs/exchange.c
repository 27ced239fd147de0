// Two datagram sockets and a connection in one thread: what a kernel's first program might do. console_test.cc runs it on a host
// that has no strace.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in bound(int fd) {
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  memset(&name, 0, sizeof name);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(fd, (struct sockaddr*)&name, sizeof name);
  getsockname(fd, (struct sockaddr*)&name, &size);
  return name;
}

static void datagrams(void) {
  char bytes[64], control[64];
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
  struct sockaddr_in name = bound(a), from;
  struct iovec piece = {bytes, sizeof bytes};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  setsockopt(a, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
  sendto(b, "question", 8, 0, (struct sockaddr*)&name, sizeof name);
  recvmsg(a, &message, 0);
  sendto(a, "answer", 6, 0, (struct sockaddr*)&from, sizeof from);
  recvfrom(b, bytes, 3, MSG_TRUNC, NULL, NULL);
  recvfrom(b, bytes, 3, MSG_DONTWAIT, NULL, NULL);
  close(a);
  connect(b, (struct sockaddr*)&name, sizeof name);
  send(b, "nobody", 6, 0);
  recv(b, bytes, sizeof bytes, 0);
  close(b);
}

static void connection(void) {
  char bytes[64];
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), value = 1;
  struct sockaddr_in name = bound(listener), peer;
  socklen_t size = sizeof peer;
  connect(client, (struct sockaddr*)&name, sizeof name);
  listen(listener, 5);
  connect(client, (struct sockaddr*)&name, sizeof name);
  int server = accept(listener, (struct sockaddr*)&peer, &size);
  getpeername(server, (struct sockaddr*)&peer, &size);
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
  send(client, "over a connection", 17, 0);
  struct pollfd fds[2] = {{server, POLLIN, 0}, {client, POLLIN | POLLOUT, 0}};
  poll(fds, 2, 1000);
  recv(server, bytes, 4, 0);
  recv(server, bytes, sizeof bytes, 0);
  shutdown(client, SHUT_WR);
  recv(server, bytes, sizeof bytes, 0);
  size = sizeof value;
  getsockopt(server, SOL_SOCKET, SO_ERROR, &value, &size);
  close(server);
  recv(client, bytes, sizeof bytes, 0);
  close(client);
  close(listener);
}

int main(void) {
  datagrams();
  connection();
  return 0;
}
