// Where the programs that are compared run: a network namespace of their own, whose `lo` is up.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace differential {

// What a host's kernel may have been configured to otherwise.
inline void set_tunable(const char* path, const char* value) {
  const int fd = open(path, O_WRONLY);
  if (fd < 0) return;
  if (write(fd, value, strlen(value)) < 0) perror(path);
  close(fd);
}

// A socket that wants stamps, so that packets are stamped from the first on: on Linux the host's first such socket makes it
// begin, a moment later, and with none of one's own it is another program's that decides.
inline int want_stamps() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
  return fd;
}

inline bool enter_own_network() {
  if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  set_tunable("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  set_tunable("/proc/sys/net/ipv4/tcp_congestion_control", "reno");
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool is_up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return is_up;
}

}  // namespace differential
