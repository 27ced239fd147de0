// What TCP tells of itself and of its windows: with buffers and clamps set before and after a connection is made, and with so
// much sent over it.
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdio>

#include "tests/differential/sweep/sweep.hh"

namespace sweep {
namespace {

constexpr int kTcp = 6, kMaxSegment = 2, kInfo = 11, kWindowClamp = 10;

// struct tcp_info as far as Linux 5 knew it; the members that are times are not shown.
struct Info {
  uint8_t state, ca_state, retransmits, probes, backoff, options, scales, limits;
  uint32_t rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets, last_data_sent, last_ack_sent, last_data_recv,
      last_ack_recv, pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering, rcv_rtt, rcv_space,
      total_retrans;
  uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
};

struct Setting {
  const char* name;
  int level, option, value;
};
constexpr Setting kSettings[] = {
    {"nothing", 0, 0, 0},
    {"rcvbuf1", SOL_SOCKET, SO_RCVBUF, 1},
    {"rcvbuf2304", SOL_SOCKET, SO_RCVBUF, 2304},
    {"rcvbuf10000", SOL_SOCKET, SO_RCVBUF, 10000},
    {"rcvbuf100000", SOL_SOCKET, SO_RCVBUF, 100000},
    {"sndbuf1", SOL_SOCKET, SO_SNDBUF, 1},
    {"sndbuf10000", SOL_SOCKET, SO_SNDBUF, 10000},
    {"sndbuf100000", SOL_SOCKET, SO_SNDBUF, 100000},
    {"clamp1", kTcp, kWindowClamp, 1},
    {"clamp5000", kTcp, kWindowClamp, 5000},
    {"clamp65535", kTcp, kWindowClamp, 65535},
    {"clamp1000000", kTcp, kWindowClamp, 1000000},
    {"maxseg2000", kTcp, kMaxSegment, 2000},
    {"maxseg9000", kTcp, kMaxSegment, 9000},
    {"lowat1000", SOL_SOCKET, SO_RCVLOWAT, 1000},
    {"lowat100000", SOL_SOCKET, SO_RCVLOWAT, 100000},
    {"rtomin20000", kTcp, 45, 20000},
    {"rtomax2000", kTcp, 44, 2000},
    {"delack10000", kTcp, 46, 10000},
    {"txdelay50000", kTcp, 37, 50000},
};
void apply(int fd, const Setting& setting) {
  if (setting.option != 0) setsockopt(fd, setting.level, setting.option, &setting.value, sizeof setting.value);
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(fd, level, name, &value, &length);
  return value;
}
int request(int fd, unsigned long number) {
  int value = -1;
  return ioctl(fd, number, &value) == 0 ? value : -errno;
}

std::string told(int fd) {
  Info info{};
  socklen_t length = sizeof info;
  getsockopt(fd, kTcp, kInfo, &info, &length);
  char text[512];
  // Acknowledgments that are late are the machine's to make: what counts segments or bytes of them is not shown.
  snprintf(text, sizeof text,
           "state%u.%u.%u,opts%x,scale%x,ato%u,mss%u/%u,sacked%u,lost%u,retrans%u,pmtu%u,rcvss%u,sndss%u,cwnd%u,"
           "advmss%u,reord%u,space%u,got%llu,maxseg%d,clamp%d,rcvbuf%d,sndbuf%d,lowat%d,in%d,out%d,notsent%d",
           info.state, info.ca_state, info.backoff, info.options, info.scales, info.ato, info.snd_mss, info.rcv_mss, info.sacked,
           info.lost, info.retrans, info.pmtu, info.rcv_ssthresh, info.snd_ssthresh, info.snd_cwnd, info.advmss, info.reordering,
           info.rcv_space, static_cast<unsigned long long>(info.bytes_received), option(fd, kTcp, kMaxSegment),
           option(fd, kTcp, kWindowClamp), option(fd, SOL_SOCKET, SO_RCVBUF), option(fd, SOL_SOCKET, SO_SNDBUF),
           option(fd, SOL_SOCKET, SO_RCVLOWAT), request(fd, FIONREAD), request(fd, 0x5411), request(fd, 0x894b));
  return text;
}

struct Pair {
  Fd client, server;
};

template <typename Before>
Pair connect_pair(int family, Before before) {
  const Fd listener(socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0));
  Pair pair{Fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0)), Fd()};
  Name name = loopback(family, 0);
  bind(listener, name.get(), name.length);
  before(int{pair.client}, int{listener});
  listen(listener, 5);
  name = own_name(listener);
  connect(pair.client, name.get(), name.length);
  pollfd entry{listener, POLLIN, 0};
  poll(&entry, 1, 1000);
  pair.server = Fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK));
  return pair;
}

std::string over(Pair& pair, size_t size) {
  static char bytes[300000];
  std::string text = told(pair.client) + " " + told(pair.server);
  text += " send:" + answer(send(pair.client, bytes, size, MSG_NOSIGNAL));
  pollfd entry{pair.server, POLLIN, 0};
  text += " poll:" + std::to_string(poll(&entry, 1, 20));
  text += " " + told(pair.client) + " " + told(pair.server);
  text += " recv:" + answer(recv(pair.server, bytes, sizeof bytes, 0)) + " " + told(pair.server);
  return text;
}

enum class When : uint8_t { BeforeClient, BeforeListener, AfterClient, AfterServer };

}  // namespace

void sweep_windows(Log& log, bool) {
  constexpr const char* kWhen[] = {"client before", "listener before", "client after", "server after"};
  for (const int family : {AF_INET, AF_INET6}) {
    for (const Setting& setting : kSettings) {
      for (const When when : {When::BeforeClient, When::BeforeListener, When::AfterClient, When::AfterServer}) {
        for (const size_t size : {1u, 100u}) {
          if (!log.wants()) continue;
          Pair pair = connect_pair(family, [&](int client, int listener) {
            if (when == When::BeforeClient) apply(client, setting);
            if (when == When::BeforeListener) apply(listener, setting);
          });
          if (when == When::AfterClient) apply(pair.client, setting);
          if (when == When::AfterServer) apply(pair.server, setting);
          log.put(std::string(family == AF_INET ? "tcp4" : "tcp6") + ", " + setting.name + " " + kWhen[static_cast<int>(when)] +
                      " " + std::to_string(size),
                  over(pair, size));
        }
      }
    }
  }
}

}  // namespace sweep
