// AF_UNIX: descriptors and credentials passed in every way, names of every kind, all three types, in each state.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void pass(int fd, const int* fds, size_t count, const char* bytes, size_t size) {
  char control[CMSG_SPACE(8 * sizeof(int))], copy[64];
  memcpy(copy, bytes, size);
  struct iovec piece = {copy, size};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  memset(control, 0, sizeof control);
  struct cmsghdr* first = CMSG_FIRSTHDR(&message);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(first), fds, count * sizeof(int));
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Closes what it is given, so that numbers come again.
static void take(int fd, size_t room, size_t control_room, int flags) {
  char bytes[64], control[256];
  struct iovec piece = {bytes, room};
  memset(control, 0, sizeof control);
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = control_room};
  if (recvmsg(fd, &message, flags | MSG_DONTWAIT) < 0) return;
  for (struct cmsghdr* each = CMSG_FIRSTHDR(&message); each != NULL; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    int fds[8];
    size_t size = each->cmsg_len - CMSG_LEN(0);
    memcpy(fds, CMSG_DATA(each), size);
    for (size_t i = 0; i < size / sizeof(int); i++) {
      fcntl(fds[i], F_GETFD);
      fcntl(fds[i], F_GETFL);
      close(fds[i]);
    }
  }
}

static void descriptors(int type) {
  int pair[2], inner[2], pipe_ends[2];
  if (socketpair(AF_UNIX, type, 0, pair) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, inner) != 0 || pipe(pipe_ends) != 0) abort();
  int file = open("/dev/null", O_RDONLY), all[4] = {pipe_ends[0], pipe_ends[1], inner[0], file};
  pass(pair[0], all, 4, "four", 4);
  take(pair[1], 64, 256, 0);
  pass(pair[0], all, 1, "flagged", 7);
  take(pair[1], 64, 256, MSG_CMSG_CLOEXEC);
  pass(pair[0], all, 4, "cut", 3);
  take(pair[1], 64, CMSG_SPACE(2 * sizeof(int)), 0);
  pass(pair[0], all, 2, "no room", 7);
  take(pair[1], 64, 0, 0);
  pass(pair[0], all, 2, "peeked at", 9);
  take(pair[1], 4, 256, MSG_PEEK);
  take(pair[1], 4, 256, 0);
  take(pair[1], 64, 256, 0);
  pass(pair[0], all, 1, "", 0);
  take(pair[1], 64, 256, 0);
  pass(pair[0], all, 1, "a", 1);
  pass(pair[0], all, 1, "b", 1);
  send(pair[0], "c", 1, 0);
  for (int i = 0; i < 3; i++) take(pair[1], 64, 256, 0);
  int bad[2] = {file, 999};
  pass(pair[0], bad, 2, "bad", 3);
  take(pair[1], 64, 256, 0);
  pass(pair[0], pair, 2, "themselves", 10);
  take(pair[1], 64, 256, 0);
  // A socket in flight whose other end says something.
  pass(pair[0], &inner[0], 1, "in flight", 9);
  close(inner[0]);
  send(inner[1], "to whoever gets it", 18, 0);
  take(pair[1], 64, 256, 0);
  send(inner[1], "to nobody", 9, MSG_NOSIGNAL);
  close(file);
  int ends[] = {pair[0], pair[1], inner[1], pipe_ends[0], pipe_ends[1]};
  for (int i = 0; i < 5; i++) close(ends[i]);
}

static void credentials(void) {
  int pair[2], on = 1;
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) abort();
  send(pair[0], "before", 6, 0);
  setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  send(pair[0], "after", 5, 0);
  take(pair[1], 64, 256, 0);
  take(pair[1], 64, 256, 0);
  send(pair[0], "cut", 3, 0);
  take(pair[1], 64, 20, 0);
  struct ucred peer;
  socklen_t size = sizeof peer;
  getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size);
  size = 4;
  getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size);
  close(pair[0]);
  close(pair[1]);
}

static void ask(int fd) {
  struct sockaddr_un name;
  socklen_t size = sizeof name;
  int value;
  char bytes[8];
  struct pollfd one = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&one, 1, 0);
  getsockname(fd, (struct sockaddr*)&name, &size);
  size = sizeof name;
  getpeername(fd, (struct sockaddr*)&name, &size);
  size = sizeof value;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &size);
  size = sizeof value;
  getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size);
  ioctl(fd, FIONREAD, &value);
  recv(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_PEEK);
  send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
  accept(fd, NULL, NULL);
}

static void names(int type) {
  const char* directory = "/tmp/lxnet-corpus-unix";
  mkdir(directory, 0700);
  struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/tmp/lxnet-corpus-unix/name"},
                     abstract = {.sun_family = AF_UNIX};
  memcpy(abstract.sun_path, "\0lxnet corpus", 13);
  socklen_t path_size = sizeof path, abstract_size = offsetof(struct sockaddr_un, sun_path) + 13;
  unlink(path.sun_path);
  int server = socket(AF_UNIX, type | SOCK_NONBLOCK, 0), other = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  ask(server);
  connect(other, (struct sockaddr*)&path, path_size);
  connect(other, (struct sockaddr*)&abstract, abstract_size);
  bind(server, (struct sockaddr*)&path, path_size);
  bind(server, (struct sockaddr*)&abstract, abstract_size);
  bind(other, (struct sockaddr*)&path, path_size);
  struct stat status;
  if (stat(path.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) abort();
  connect(other, (struct sockaddr*)&path, path_size);
  ask(other);
  listen(server, 1);
  ask(server);
  bind(other, (struct sockaddr*)&abstract, abstract_size);
  connect(other, (struct sockaddr*)&path, path_size);
  connect(other, (struct sockaddr*)&path, path_size);
  ask(other);
  struct sockaddr_un who;
  socklen_t size = sizeof who;
  int accepted = accept4(server, (struct sockaddr*)&who, &size, SOCK_NONBLOCK);
  if (accepted >= 0) {
    ask(accepted);
    send(other, "through", 7, 0);
    ask(accepted);
    shutdown(other, SHUT_WR);
    ask(accepted);
    ask(other);
    close(accepted);
    ask(other);
  }
  unlink(path.sun_path);
  int late = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  connect(late, (struct sockaddr*)&path, path_size);
  bind(late, (struct sockaddr*)&path, sizeof(sa_family_t));  // a name of the kernel's choice
  close(server);
  ask(other);
  send(other, "gone", 4, MSG_NOSIGNAL);
  close(other);
  close(late);
  rmdir(directory);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i < 3; i++) {
    descriptors(types[i]);
    names(types[i]);
  }
  credentials();
  return 0;
}
