// Every option number below 128 of every level on every kind of socket: what it is, its length, or its error.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  static const int kinds[][3] = {
      {AF_INET, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM, 0}, {AF_INET6, SOCK_STREAM, 0}, {AF_INET6, SOCK_DGRAM, 0}, {AF_UNIX, SOCK_STREAM, 0}};
  static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP};
  for (unsigned kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    int fd = socket(kinds[kind][0], kinds[kind][1], kinds[kind][2]);
    for (unsigned level = 0; level < sizeof levels / sizeof *levels; level++) {
      for (int option = 0; option < 128; option++) {
        char value[256] = {0};
        socklen_t length = sizeof value;
        getsockopt(fd, levels[level], option, value, &length);
      }
    }
    close(fd);
  }
  return 0;
}
