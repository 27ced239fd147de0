// epoll over sockets, pipes and other sets: level and edge, one shot, exclusive, nested, closed, duplicated.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int set;

static void look(void) {
  struct epoll_event events[8];
  memset(events, 0, sizeof events);
  epoll_wait(set, events, 8, 0);
}

static void control(int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  epoll_ctl(set, operation, fd, &event);
}

static void wrong(void) {
  struct epoll_event event = {0};
  epoll_create1(~EPOLL_CLOEXEC);
  epoll_create(0);
  epoll_create(-1);
  epoll_wait(set, &event, 0, 0);
  volatile int less_than_none = -1;
  struct epoll_event* volatile nowhere = NULL;
  epoll_wait(set, &event, less_than_none, 0);
  epoll_wait(set, nowhere, 1, 0);
  epoll_wait(999, &event, 1, 0);
  epoll_wait(0, &event, 1, 0);
  epoll_ctl(set, EPOLL_CTL_ADD, set, &event);
  epoll_ctl(set, EPOLL_CTL_ADD, 999, &event);
  epoll_ctl(set, 77, 0, &event);
  int file = open("/etc/passwd", O_RDONLY);
  epoll_ctl(set, EPOLL_CTL_ADD, file, &event);
  close(file);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  epoll_ctl(set, EPOLL_CTL_ADD, fd, NULL);
  epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
  epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
  epoll_ctl(fd, EPOLL_CTL_ADD, set, &event);
  control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1);
  control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE, 1);
  control(EPOLL_CTL_ADD, fd, EPOLLIN, 1);
  control(EPOLL_CTL_MOD, fd, EPOLLIN, 1);
  control(EPOLL_CTL_DEL, fd, 0, 1);
  close(fd);
}

static void datagrams(uint32_t how) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
  bind(to, (struct sockaddr*)&name, size);
  getsockname(to, (struct sockaddr*)&name, &size);
  connect(from, (struct sockaddr*)&name, size);
  control(EPOLL_CTL_ADD, to, EPOLLIN | how, 1);
  look();
  send(from, "one", 3, 0);
  look();
  look();
  send(from, "two", 3, 0);
  look();
  control(EPOLL_CTL_MOD, to, EPOLLIN | EPOLLOUT | how, 2);
  look();
  look();
  char bytes[8];
  recv(to, bytes, 8, 0);
  look();
  recv(to, bytes, 8, 0);
  control(EPOLL_CTL_MOD, to, EPOLLIN | how, 3);
  look();
  int copy = dup(to);
  control(EPOLL_CTL_ADD, copy, EPOLLIN, 4);
  send(from, "both", 4, 0);
  look();
  close(to);
  look();  // the copy keeps the description
  close(copy);
  look();
  close(from);
}

static void connections(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  bind(listener, (struct sockaddr*)&name, size);
  control(EPOLL_CTL_ADD, listener, EPOLLIN, 1);
  control(EPOLL_CTL_ADD, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 2);
  look();
  listen(listener, 4);
  look();
  getsockname(listener, (struct sockaddr*)&name, &size);
  connect(client, (struct sockaddr*)&name, size);
  look();
  int server = accept(listener, NULL, NULL);
  look();
  send(server, "hello", 5, 0);
  look();
  send(server, "!", 1, MSG_OOB);
  control(EPOLL_CTL_MOD, client, EPOLLPRI | EPOLLIN | EPOLLRDHUP, 2);
  look();
  shutdown(server, SHUT_WR);
  look();
  char bytes[16];
  recv(client, bytes, 16, 0);
  recv(client, bytes, 16, MSG_OOB);
  recv(client, bytes, 16, 0);
  look();
  struct linger at_once = {1, 0};
  setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(server);
  look();
  recv(client, bytes, 16, 0);
  look();
  close(client);
  look();
  close(listener);
}

static void others(void) {
  int ends[2], event = eventfd(0, EFD_NONBLOCK);
  if (pipe(ends) != 0) abort();
  control(EPOLL_CTL_ADD, ends[0], EPOLLIN, 1);
  control(EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET, 2);
  control(EPOLL_CTL_ADD, event, EPOLLIN | EPOLLOUT, 3);
  look();
  uint64_t one = 1;
  if (write(event, &one, 8) != 8 || write(ends[1], "x", 1) != 1) abort();
  look();
  int outer = epoll_create1(EPOLL_CLOEXEC), inner = set;
  set = outer;
  control(EPOLL_CTL_ADD, inner, EPOLLIN, 4);
  look();
  struct pollfd sets = {outer, POLLIN, 0};
  poll(&sets, 1, 0);
  set = inner;
  control(EPOLL_CTL_ADD, outer, EPOLLIN, 5);  // a circle
  close(ends[1]);
  look();
  char byte;
  if (read(ends[0], &byte, 1) != 1) abort();
  look();
  close(ends[0]);
  close(event);
  look();
  set = outer;
  look();
  close(outer);
  set = inner;
}

static void masked(void) {
  struct epoll_event event;
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  kill(getpid(), SIGUSR1);
  epoll_pwait(set, &event, 1, 10, &blocked);
  epoll_pwait(set, &event, 1, 1000, &none);
  epoll_pwait(set, &event, 1, 0, NULL);
  struct timespec short_time = {0, 1000000};
  epoll_pwait2(set, &event, 1, &short_time, NULL);
}

static void on_signal(int number) { (void)number; }

int main(void) {
  signal(SIGUSR1, on_signal);
  set = epoll_create1(EPOLL_CLOEXEC);
  wrong();
  datagrams(0);
  datagrams(EPOLLET);
  datagrams(EPOLLONESHOT);
  connections();
  others();
  masked();
  close(set);
  return 0;
}
