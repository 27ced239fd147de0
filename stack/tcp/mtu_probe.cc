// Finding the path's MTU with segments (RFC 4821), as Linux does it with tcp_mtu_probing: always (2), or once several timeouts in
// a row say that large segments vanish and no ICMP message tells so (1).
//
// The search is binary, between an MTU that is known to pass and the most that may. A probe is one segment of real data: when it
// is acknowledged its size passes; when it alone is lost it does not, and that says nothing of congestion.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {
namespace {

constexpr uint32_t kLeastWindow = 11;  // in segments; a probe lost must not stall what is small

}  // namespace

void TcpSocket::begin_mtu_search(Entry& entry) {
  if (RareParts* parts = rare()) parts->mtu_search = MtuSearch();
  if (stack().tunables().values().tcp_mtu_probing > 1) start_mtu_search(entry);
}

// Without memory there is none.
void TcpSocket::start_mtu_search(Entry& entry) {
  RareParts* parts = make_rare();
  if (parts == nullptr) return;
  parts->mtu_search.is_on = true;
  parts->mtu_search.low = mtu_for_segment(static_cast<uint32_t>(stack().tunables().values().tcp_base_mss));
  parts->mtu_search.high = largest_mtu_of_peer();
  parts->mtu_search.began_at = entry.now();
}

uint32_t TcpSocket::largest_mtu_of_peer() const { return snd_.peer_mss + mtu_for_segment(0) - option_space() - sticky_size(); }

// What follows the probe must draw the acknowledgments that tell of its loss.
bool TcpSocket::has_enough_to_probe(uint32_t segment) const {
  const uint64_t needed = segment + (recovery_.reordering + 1) * uint64_t{snd_.mss};
  const SendRecord* first = send_queue_.unsent.front();
  return first != nullptr && first->size >= segment && !first->ends_message && snd_.end.bytes_since(snd_.nxt) >= needed &&
         snd_.wnd >= needed;
}

TcpSocket::MtuProbe TcpSocket::send_mtu_probe(Entry& entry) {
  MtuSearch& search = *mtu_search();
  if (search.probe != 0 || congestion_.loss_state != LossState::Open || congestion_.cwnd < kLeastWindow || sack_count_ != 0 ||
      has_dsack_ || md5_keys() != nullptr) {
    return MtuProbe::NotNow;
  }
  const uint32_t segment = segment_for_mtu((search.low + search.high) / 2);
  const auto least = static_cast<int64_t>(stack().tunables().values().tcp_probe_threshold);
  if (segment > segment_for_mtu(search.high) || int64_t{search.high} - search.low < least) {
    search_again(entry);
    return MtuProbe::NotNow;
  }
  if (!has_enough_to_probe(segment)) return MtuProbe::NotNow;
  const uint64_t needed = segment + (recovery_.reordering + 1) * uint64_t{snd_.mss};
  if ((snd_.nxt + static_cast<uint32_t>(needed)).is_after(snd_.window_end())) return MtuProbe::Wait;
  if (recovery_.in_flight() + 2 > congestion_.cwnd) return recovery_.in_flight() == 0 ? MtuProbe::NotNow : MtuProbe::Wait;
  SendRecord& record = *send_queue_.unsent.front();
  if (record.size > segment && !send_queue_.split(record, segment)) return MtuProbe::NotNow;
  record.segments = 1;
  record.segment_size = static_cast<uint16_t>(segment);
  const SeqNum begin = record.seq;
  if (!send_cut_record(entry, record)) return MtuProbe::NotNow;
  --congestion_.cwnd;  // it is as good as two
  search.probe = mtu_for_segment(segment);
  search.probe_begin = begin;
  search.probe_end = begin + segment;
  return MtuProbe::Sent;
}

// Paths change: after tcp_probe_interval what did not pass may.
void TcpSocket::search_again(Entry& entry) {
  const auto interval = Duration::seconds(stack().tunables().values().tcp_probe_interval);
  MtuSearch& search = *mtu_search();
  if (search.began_at.age(entry.now()) < interval) return;
  search.probe = 0;
  search.high = largest_mtu_of_peer();
  search.low = mtu_for_segment(current_mss());
  search.began_at = entry.now();
}

// Its size passes. The window is counted in segments, which are larger now.
void TcpSocket::note_mtu_probe_acked(Entry& entry) {
  MtuSearch& search = *mtu_search();
  recovery_.prior_ssthresh = current_threshold();
  congestion_.cwnd =
      std::max(1u, static_cast<uint32_t>(uint64_t{congestion_.cwnd} * mtu_for_segment(snd_.mss) / std::max(search.probe, 1u)));
  congestion_.cwnd_count = 0;
  congestion_.ssthresh = current_threshold();
  search.low = search.probe;
  search.probe = 0;
  update_mss(entry, snd_.path_mtu);
  count(entry, Mib::TcpExtTCPMTUPSuccess);
}

// True: what is lost is the probe, which goes again in segments that pass, and the window stays.
bool TcpSocket::note_mtu_probe_lost(Entry& entry) {
  MtuSearch* search = mtu_search();
  if (search == nullptr || congestion_.loss_state >= LossState::Cwr || search->probe == 0 || snd_.una != search->probe_begin)
    return false;
  search->high = search->probe - 1;
  search->probe = 0;
  count(entry, Mib::TcpExtTCPMTUPFail);
  ++congestion_.cwnd;  // what the probe took
  retransmit_smaller(entry);
  return true;
}

void TcpSocket::detect_black_hole(Entry& entry) {
  const TunableValues& tunables = stack().tunables().values();
  if (tunables.tcp_mtu_probing == 0 || in(TcpState::SynSent | TcpState::SynReceived)) return;
  if (!has_retried_for(entry, static_cast<uint32_t>(tunables.tcp_retries1))) return;
  MtuSearch* search = mtu_search();
  if (search == nullptr) {
    start_mtu_search(entry);
  } else {
    const auto base = static_cast<uint32_t>(tunables.tcp_base_mss);
    const auto floor = static_cast<uint32_t>(std::max(tunables.tcp_mtu_probe_floor, tunables.tcp_min_snd_mss));
    search->low = mtu_for_segment(std::max(std::min(base, segment_for_mtu(search->low) / 2), floor));
  }
  update_mss(entry, snd_.path_mtu);
}

// What is in flight in segments that are too large by now is lost, which says nothing of congestion (tcp_simple_retransmit).
void TcpSocket::retransmit_smaller(Entry& entry) {
  const uint32_t mss = current_mss();
  for (SendRecord& record : send_queue_.sent) {
    if (std::min<uint32_t>(record.size, std::max<uint32_t>(record.segment_size, 1)) > mss) mark_lost(entry, record);
  }
  if (recovery_.lost == 0) return;
  if (!negotiated_.sack) bound_duplicates();
  retransmit_without_reduction(entry);
}

}  // namespace lxnet
