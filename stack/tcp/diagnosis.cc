// What inet_diag and /proc/net tell of a connection, and SOCK_DESTROY.
#include "stack/socket_diagnosis.hh"

#include <algorithm>

#include "stack/stack.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

using Armed = SocketDiagnosis::Timer;

Duration until(Instant when, Instant now) { return std::max(when - now, Duration()); }

}  // namespace

SocketDiagnosis TcpOptionCalls::diagnose(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  SocketDiagnosis told;
  told.state = linux_tcp_state(socket.state());
  told.shutdown = socket.shutdown_;
  told.is_port_bound = socket.is_bound_port_;
  told.timeouts = socket.recovery_.retransmits;
  told.probes = socket.recovery_.probes_out;
  told.rto = socket.current_rto();
  told.ack_delay = std::min(socket.ack_.ato.get(), socket.longest_ack_delay());
  told.quick_acks = socket.ack_.quick;
  told.is_interactive = socket.is_interactive();
  told.cwnd = socket.congestion_.cwnd;
  told.ssthresh = socket.congestion_.ssthresh;
  told.is_in_first_slow_start = told.ssthresh >= CongestionState::kNoThreshold;
  told.is_connect_deferred = socket.fast_open_.is_deferred;
  if (socket.in(TcpState::Listen)) {
    TcpInfo info{};
    socket.describe_listener(info);
    told.receive_queue = info.unacked;
    told.send_queue = info.sacked;
    told.fast_open_limit = fast_open_limit_owned(socket);
    return told;
  }
  told.receive_queue = socket.rcv_.nxt.bytes_since(socket.rcv_.copied);
  told.send_queue = socket.snd_.end.bytes_since(socket.snd_.una) + socket.snd_.disconnect_gap;
  fill_timer(told, socket, entry.now());
  return told;
}

// Of the timers that exclude each other a delayed acknowledgment's is not told.
void TcpOptionCalls::fill_timer(SocketDiagnosis& told, const TcpSocket& socket, Instant now) {
  const Deadlines& deadlines = socket.deadlines_;
  if (deadlines.is_set(Deadlines::Kind::Probe)) {
    const bool is_window_probe = socket.probe_timer_kind_ == TcpSocket::ProbeTimer::ZeroWindow;
    told.timer = is_window_probe ? Armed::ZeroWindow : Armed::Retransmit;
    told.left = until(deadlines.at(Deadlines::Kind::Probe), now);
  } else if (deadlines.is_set(Deadlines::Kind::KeepAlive)) {
    told.timer = Armed::KeepAlive;
    told.left = until(deadlines.at(Deadlines::Kind::KeepAlive), now);
    if (!socket.is_orphan_ || !socket.in(TcpState::FinWait2)) return;
    // tcp_rcv_state_process(): a minute as a TIME_WAIT, and what is longer as a socket before it.
    constexpr Duration kRemnant = Duration::seconds(60);
    told.is_remnant = told.left <= kRemnant;
    if (told.is_remnant) {
      told.timer = Armed::TimeWait;
      told.timeouts = told.probes = 0;
    } else {
      told.left = told.left - kRemnant;
    }
  }
}

// tcp_abort().
Result<> TcpOptionCalls::abort(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  constexpr TcpStates kNeedsReset =
      TcpState::Established | TcpState::CloseWait | TcpState::FinWait1 | TcpState::FinWait2 | TcpState::SynReceived;
  if (socket.in(TcpState::Closed)) return Errno::ENOENT;
  if (socket.in(TcpState::Listen)) socket.stop_listening(entry);
  if (socket.in(kNeedsReset)) socket.send_reset(entry);
  socket.abort_with(entry, Errno::ECONNABORTED);
  return ok();
}

size_t TcpOptionCalls::copy_md5_keys(Entry& entry, TcpSocket& socket, std::span<Md5KeyCopy> out) {
  TaskOwnership ownership(socket.lock_, entry);
  size_t count = 0;
  if (socket.md5_keys() == nullptr) return 0;
  socket.md5_keys()->for_each([&](const IpAddress& address, uint8_t prefix, const Md5Key& key) {
    if (count < out.size()) {
      Md5KeyCopy& copy = out[count] = {.address = address, .prefix = prefix, .size = key.size, .bytes = {}};
      copy_bytes(copy.bytes, key.span());
    }
    ++count;
  });
  return count;
}

}  // namespace lxnet
