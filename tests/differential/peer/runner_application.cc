#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "tests/differential/peer/runner.hh"

namespace peer {
namespace {

using Kind = Step::Kind;

struct Name {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Name name_of(Family family, uint32_t address, const uint8_t (&address6)[16], uint16_t port) {
  Name name;
  if (family == Family::Inet) {
    sockaddr_in plain{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}, .sin_zero = {}};
    memcpy(&name.bytes, &plain, name.size = sizeof plain);
    return name;
  }
  sockaddr_in6 plain{};
  plain.sin6_family = AF_INET6;
  plain.sin6_port = htons(port);
  if (family == Family::Inet6) {
    memcpy(&plain.sin6_addr, address6, sizeof plain.sin6_addr);
  } else {
    plain.sin6_addr.s6_addr32[2] = htonl(0xffff);
    plain.sin6_addr.s6_addr32[3] = htonl(address);
  }
  memcpy(&name.bytes, &plain, name.size = sizeof plain);
  return name;
}

Name local_name(Family family) { return name_of(family, kLocalAddress, kLocalAddress6, kLocalPort); }
Name remote_name(Family family) { return name_of(family, kRemoteAddress, kRemoteAddress6, kRemotePort); }

std::string outcome(int64_t result) { return result >= 0 ? std::to_string(result) : strerrorname_np(static_cast<int>(-result)); }

}  // namespace

void Runner::call_step(const Step& step) {
  switch (step.kind) {
    case Kind::Listen:
      return listen(step);
    case Kind::Connect:
      return connect(step);
    case Kind::Accept:
      return accept();
    case Kind::Write:
      return write(step);
    case Kind::Read:
      return read(step);
    case Kind::Option:
      print("setsockopt(%d, %d, %d)", step.a, step.b, step.c);
      if (socket_ < 0 && listener_ < 0) options_.push_back(step);
      return set_option(step.a, step.b, step.c);
    case Kind::Linger: {
      const linger value{.l_onoff = step.a, .l_linger = step.b};
      print("linger(%d, %d)", step.a, step.b);
      return show_result("", kernel_.call(SYS_setsockopt, socket_, SOL_SOCKET, SO_LINGER, &value, sizeof value));
    }
    case Kind::Congestion: {
      const char* name = kCongestion[step.a];
      print("congestion(%s)", name);
      if (socket_ < 0 && listener_ < 0) options_.push_back(step);
      const int64_t fd = socket_ >= 0 ? socket_ : listener_;
      return show_result("", fd < 0 ? 0 : kernel_.call(SYS_setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)));
    }
    case Kind::Shutdown:
      print("shutdown(%d)", step.a);
      return show_result("", kernel_.call(SYS_shutdown, socket_, step.a));
    case Kind::Close:
      show_result("close", kernel_.call(SYS_close, socket_));
      socket_ = -1;
      return;
    case Kind::CloseListener:
      show_result("close listener", kernel_.call(SYS_close, listener_));
      listener_ = -1;
      return;
    default:
      print("info\n");
      return show_measures();
  }
}

void Runner::show_result(const char* what, int64_t result) { print("%s = %s\n", what, outcome(result).c_str()); }

// Of the connection, or of who will be one.
void Runner::set_option(int level, int name, int value) {
  const int64_t fd = socket_ >= 0 ? socket_ : listener_;
  show_result("", fd < 0 ? 0 : kernel_.call(SYS_setsockopt, fd, level, name, &value, sizeof value));
}

void Runner::open_socket() {
  if (socket_ >= 0) kernel_.call(SYS_close, socket_);
  socket_ = kernel_.call(SYS_socket, script_.family == Family::Inet ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  kernel_.call(SYS_setsockopt, socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const Name name = local_name(script_.family);
  kernel_.call(SYS_bind, socket_, &name.bytes, name.size);
  const std::string log = log_;
  for (const Step& step : options_) call_step(step);
  log_ = log;
  written_ = 0;
}

void Runner::listen(const Step&) {
  open_socket();
  listener_ = std::exchange(socket_, -1);
  const int queue = 5;
  kernel_.call(SYS_setsockopt, listener_, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof queue);
  show_result("listen", kernel_.call(SYS_listen, listener_, 5));
}

void Runner::connect(const Step& step) {
  open_socket();
  const Name name = remote_name(script_.family);
  if (step.a < 0) return show_result("connect", kernel_.call(SYS_connect, socket_, &name.bytes, name.size));
  const std::string bytes = pattern(1, static_cast<uint32_t>(step.a));
  const int64_t result =
      kernel_.call(SYS_sendto, socket_, bytes.data(), bytes.size(), MSG_FASTOPEN | MSG_NOSIGNAL, &name.bytes, name.size);
  print("connect with %d", step.a);
  show_result("", result);
  if (result > 0) written_ = static_cast<uint32_t>(result);
}

void Runner::accept() {
  const int64_t fd = kernel_.call(SYS_accept4, listener_, nullptr, nullptr, SOCK_NONBLOCK);
  show_result("accept", fd >= 0 ? 0 : fd);
  if (fd < 0) return;
  if (socket_ >= 0) kernel_.call(SYS_close, socket_);
  socket_ = fd;
  written_ = 0;
}

void Runner::write(const Step& step) {
  const std::string bytes = pattern(1 + written_, static_cast<uint32_t>(step.a));
  const int64_t result = kernel_.call(SYS_sendto, socket_, bytes.data(), bytes.size(), step.b | MSG_NOSIGNAL, nullptr, 0);
  print("send(%d, %#x)", step.a, static_cast<unsigned>(step.b));
  show_result("", result);
  if (result > 0) written_ += static_cast<uint32_t>(result);
}

void Runner::read(const Step& step) {
  std::string bytes(static_cast<size_t>(step.a), '\0');
  const int64_t result = kernel_.call(SYS_recvfrom, socket_, bytes.data(), bytes.size(), step.b, nullptr, nullptr);
  uint32_t sum = 0;
  for (int64_t i = 0; i < result && i < step.a; ++i) sum = sum * 31 + static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  print("recv(%d, %#x) = %s, sum %u\n", step.a, static_cast<unsigned>(step.b), outcome(result).c_str(), sum);
}

// ---- what the application sees without a step of its own

void Runner::observe() {
  if (is_silent_) return;
  std::string state;
  std::swap(state, log_);
  show_state();
  std::swap(state, log_);
  if (state != state_ && !state.empty()) log_ += "  " + state + "\n";
  state_ = state;
  if (socket_ < 0) return;
  lxnet::TcpInfo info{};
  socklen_t size = sizeof info;
  if (kernel_.call(SYS_getsockopt, socket_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) show_info(info, size);
}

void Runner::show_state() {
  for (const int64_t fd : {socket_, listener_}) {
    if (fd < 0) continue;
    pollfd wanted{.fd = static_cast<int>(fd), .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP, .revents = 0};
    kernel_.call(SYS_poll, &wanted, 1, 0);
    print("poll %x ", static_cast<unsigned>(wanted.revents));
  }
  if (socket_ < 0) return;
  int unread = 0, unsent = 0, not_sent = 0;
  kernel_.call(SYS_ioctl, socket_, SIOCINQ, &unread);
  kernel_.call(SYS_ioctl, socket_, SIOCOUTQ, &unsent);
  kernel_.call(SYS_ioctl, socket_, SIOCOUTQNSD, &not_sent);
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t size = sizeof memory;
  kernel_.call(SYS_getsockopt, socket_, SOL_SOCKET, SO_MEMINFO, memory, &size);
  print("in %d out %d unsent %d rmem %u/%u wmem %u/%u", unread, unsent, not_sent, memory[SK_MEMINFO_RMEM_ALLOC],
        memory[SK_MEMINFO_RCVBUF], memory[SK_MEMINFO_WMEM_QUEUED], memory[SK_MEMINFO_SNDBUF]);
}

void Runner::show_info(const lxnet::TcpInfo& info, socklen_t) {
  std::string changes;
#define FIELD(name) \
  if (info.name != info_.name) changes += " " #name "=" + std::to_string(info.name)
  FIELD(state);
  FIELD(ca_state);
  FIELD(retransmits);
  FIELD(probes);
  FIELD(backoff);
  FIELD(options);
  FIELD(window_scales);
  FIELD(snd_mss);
  FIELD(rcv_mss);
  FIELD(unacked);
  FIELD(sacked);
  FIELD(lost);
  FIELD(retrans);
  FIELD(pmtu);
  FIELD(rcv_ssthresh);
  FIELD(snd_ssthresh);
  FIELD(snd_cwnd);
  FIELD(advmss);
  FIELD(reordering);
  FIELD(rcv_space);
  FIELD(total_retrans);
  FIELD(bytes_acked);
  FIELD(bytes_received);
  FIELD(segs_out);
  FIELD(segs_in);
  FIELD(notsent_bytes);
  FIELD(data_segs_in);
  FIELD(data_segs_out);
  FIELD(delivered);
  FIELD(delivered_ce);
  FIELD(bytes_sent);
  FIELD(bytes_retrans);
  FIELD(dsack_dups);
  FIELD(reord_seen);
  FIELD(rcv_ooopack);
  FIELD(snd_wnd);
  FIELD(rcv_wnd);
  FIELD(total_rto);
  FIELD(total_rto_recoveries);
#undef FIELD
  info_ = info;
  if (!changes.empty()) log_ += "  info" + changes + " ~rcv_rtt=" + std::to_string(info.rcv_rtt) + "\n";
}

void Runner::show_measures() {
  lxnet::TcpInfo info{};
  socklen_t size = sizeof info;
  if (socket_ < 0 || kernel_.call(SYS_getsockopt, socket_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  print("  ~rto=%u ~rtt=%u ~rttvar=%u ~min_rtt=%u ~rcv_rtt=%u ~ato=%u\n", info.rto, info.rtt, info.rttvar,
        info.min_rtt == ~0u ? 0 : info.min_rtt, info.rcv_rtt, info.ato);
  print("  ~busy=%lld ~rwnd=%lld ~sndbuf=%lld flags=%u\n", static_cast<long long>(info.busy_time),
        static_cast<long long>(info.rwnd_limited), static_cast<long long>(info.sndbuf_limited), info.flags);
}

}  // namespace peer
