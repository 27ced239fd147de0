// Each call on a TCP socket in each of its states: what it answers and what poll says.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in server_name;
static int server;

static int fresh(void) { return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }

static int make(int state) {
  int fd = fresh();
  struct sockaddr_in any = {.sin_family = AF_INET};
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  switch (state) {
    case 0:
      break;
    case 1:
      bind(fd, (struct sockaddr*)&any, sizeof any);
      break;
    case 2:
      listen(fd, 1);
      break;
    default: {
      connect(fd, (struct sockaddr*)&server_name, sizeof server_name);
      struct pollfd wait = {.fd = fd, .events = POLLOUT};
      poll(&wait, 1, 1000);
      int peer = accept(server, NULL, NULL);
      if (state == 4) shutdown(fd, SHUT_WR);
      if (state == 5) shutdown(fd, SHUT_RD);
      if (state == 6) shutdown(peer, SHUT_WR);
      if (state == 7) send(peer, "data", 4, 0);
      if (state == 8) {
        struct linger now = {.l_onoff = 1};
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      }
      if (state == 8 || state == 9) close(peer);
    }
  }
  return fd;
}

static void try_call(int fd, int call) {
  char data[16];
  struct sockaddr_in name;
  socklen_t length = sizeof name;
  int number = 0;
  struct iovec part = {.iov_base = data, .iov_len = sizeof data};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  memset(data, 'x', sizeof data);
  switch (call) {
    case 0: connect(fd, (struct sockaddr*)&server_name, sizeof server_name); break;
    case 1: bind(fd, (struct sockaddr*)&server_name, sizeof server_name); break;
    case 2: listen(fd, 5); break;
    case 3: accept4(fd, NULL, NULL, SOCK_NONBLOCK); break;
    case 4: getpeername(fd, (struct sockaddr*)&name, &length); break;
    case 5: send(fd, data, 4, 0); break;
    case 6: send(fd, data, 0, 0); break;
    case 7: recv(fd, data, 4, 0); break;
    case 8: recv(fd, data, 0, 0); break;
    case 9: recv(fd, data, 1, MSG_OOB); break;
    case 10: recv(fd, data, 4, MSG_PEEK); break;
    case 11: shutdown(fd, SHUT_RD); break;
    case 12: shutdown(fd, SHUT_WR); break;
    case 13: shutdown(fd, SHUT_RDWR); break;
    case 14: sendmsg(fd, &message, MSG_MORE); break;
    case 15: recvmsg(fd, &message, MSG_ERRQUEUE); break;
    case 16: ioctl(fd, FIONREAD, &number); break;
    case 17: ioctl(fd, TIOCOUTQ, &number); break;
    case 18: ioctl(fd, SIOCATMARK, &number); break;
    case 19: sendto(fd, data, 4, 0, (struct sockaddr*)&server_name, sizeof server_name); break;
    case 20: shutdown(fd, 7); break;
    case 21: number = fcntl(fd, F_GETFL); break;
  }
}
enum { kStates = 10, kCalls = 22 };

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  server = socket(AF_INET, SOCK_STREAM, 0);
  server_name.sin_family = AF_INET;
  server_name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server_name.sin_port = htons(7000);
  int on = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  bind(server, (struct sockaddr*)&server_name, sizeof server_name);
  listen(server, 64);
  for (int state = 0; state < kStates; state++) {
    for (int call = 0; call < kCalls; call++) {
      int fd = make(state);
      int error = 0;
      socklen_t length = sizeof error;
      try_call(fd, call);
      struct pollfd ready = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
      poll(&ready, 1, 0);
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
      close(fd);
    }
    while (fcntl(server, F_SETFL, O_NONBLOCK) == 0) {
      int left = accept(server, NULL, NULL);
      if (left < 0) break;
      close(left);
    }
    fcntl(server, F_SETFL, 0);
  }
  return 0;
}
