// Every option number of the common levels, asked and set with every length around right, on each kind of socket.
#define _GNU_SOURCE
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct kind {
  int family, type, protocol;
};

static const struct kind kinds[] = {
    {AF_INET, SOCK_STREAM, 0}, {AF_INET6, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM, 0},
    {AF_INET6, SOCK_DGRAM, 0}, {AF_UNIX, SOCK_STREAM, 0},  {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE},
};

static void ask(int fd, int level, int option) {
  char value[512];
  memset(value, 0, sizeof value);
  socklen_t size = sizeof value;
  getsockopt(fd, level, option, value, &size);
  size = 1;
  getsockopt(fd, level, option, value, &size);
}

static void give(int fd, int level, int option) {
  int value = 1;
  setsockopt(fd, level, option, &value, sizeof value);
  setsockopt(fd, level, option, &value, 1);
  setsockopt(fd, level, option, &value, 0);
  setsockopt(fd, level, option, NULL, sizeof value);
  socklen_t size = sizeof value;
  getsockopt(fd, level, option, &value, &size);
}

// What depends on the machine, on time or on other runs, or needs a file that is not there.
static int is_of_the_run(int level, int option) {
  if (level == SOL_SOCKET)
    return option == SO_INCOMING_CPU || option == SO_INCOMING_NAPI_ID || option == SO_MEMINFO || option == SO_COOKIE ||
           option == SO_NETNS_COOKIE || option == SO_PEERSEC || option == SO_ATTACH_FILTER || option == SO_ATTACH_BPF ||
           option == SO_ATTACH_REUSEPORT_CBPF || option == SO_ATTACH_REUSEPORT_EBPF;
  return level == IPPROTO_TCP && (option == TCP_INFO || option == TCP_CC_INFO || option == TCP_TIMESTAMP || option == TCP_ULP ||
                                  option == TCP_CONGESTION);
}

// What packet filters, connection tracking and IP sets add to the IP levels of a kernel that has them.
static int is_of_a_module(int level, int option) {
  if (level == IPPROTO_IP) return option >= 64;
  return level == IPPROTO_IPV6 && (option == 64 || option == 65 || option == 68 || option == 69 || option >= 80);
}

static int is_left_out(int level, int option) { return is_of_the_run(level, option) || is_of_a_module(level, option); }

static void interface_requests(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  unsigned long requests[] = {SIOCGIFFLAGS,  SIOCGIFADDR,   SIOCGIFNETMASK, SIOCGIFBRDADDR, SIOCGIFMTU, SIOCGIFINDEX,
                              SIOCGIFHWADDR, SIOCGIFMETRIC, SIOCGIFTXQLEN,  SIOCGIFDSTADDR, SIOCGIFMAP, SIOCGIFNAME};
  const char* names[] = {"lo", "eth99", ""};
  for (size_t n = 0; n < 3; n++) {
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
      struct ifreq request;
      memset(&request, 0, sizeof request);
      strcpy(request.ifr_name, names[n]);
      if (requests[i] == SIOCGIFNAME) request.ifr_ifindex = 1;
      ioctl(fd, requests[i], &request);
    }
  }
  close(fd);
}

int main(void) {
  static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6};
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    int fd = socket(kinds[k].family, kinds[k].type, kinds[k].protocol);
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
      for (int option = 0; option < 84; option++) {
        if (is_left_out(levels[l], option)) continue;
        ask(fd, levels[l], option);
      }
    }
    close(fd);
    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++) {
      for (int option = 0; option < 84; option++) {
        if (is_left_out(levels[l], option)) continue;
        // Anew for each, so that none changes what the next means.
        fd = socket(kinds[k].family, kinds[k].type, kinds[k].protocol);
        give(fd, levels[l], option);
        close(fd);
      }
    }
  }
  interface_requests();
  return 0;
}
