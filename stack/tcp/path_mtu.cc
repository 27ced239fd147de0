// The size of a segment: the path's MTU less headers and options, at most what the peer offered, at most half its largest window.
#include <algorithm>

#include "stack/stack.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

namespace {

constexpr uint32_t kTimestampsSpace = 12, kSignatureSpace = 20;
constexpr uint32_t kMaxPacket = 65535;

uint32_t header_space(const IpAddress& destination) { return (destination.is_v4() ? 20u : 40u) + sizeof(TcpHeader); }

}  // namespace

void TcpSocket::update_mss(Entry&, uint32_t path_mtu) {
  snd_.path_mtu = path_mtu;
  MtuSearch* search = mtu_search();
  if (search != nullptr) search->high = std::min(search->high, path_mtu);
  const uint32_t headers = header_space(demux_.remote) + sticky_size();
  const uint32_t options_space = option_space();
  const uint32_t limit = std::min<uint32_t>(path_mtu, demux_.remote.is_v4() ? kMaxPacket : kMaxPacket + 40);
  uint32_t mss = limit > headers ? limit - headers : 0;
  mss = std::min<uint32_t>(mss, snd_.peer_mss);
  const auto least = static_cast<uint32_t>(stack().tunables().values().tcp_min_snd_mss);
  mss = std::max(mss, least) - options_space;
  // RFC 9293 3.8.6.2.1: at most half the largest window, so that two segments may be in flight.
  if (snd_.max_wnd != 0) {
    const uint32_t half = snd_.max_wnd > 536 ? snd_.max_wnd / 2 : snd_.max_wnd;
    if (mss > half) mss = std::max<uint32_t>(half, 68 - 20 - options_space);
  }
  if (search != nullptr) mss = std::min(mss, segment_for_mtu(search->low));
  snd_.mss = static_cast<uint16_t>(std::min<uint32_t>(mss, SendRecord::kMaxSize));
}

uint16_t TcpSocket::largest_segment(uint32_t path_mtu, const IpAddress& peer) {
  const uint32_t headers = header_space(peer);
  return static_cast<uint16_t>(std::clamp<uint32_t>(path_mtu > headers ? path_mtu - headers : 0, 88, 65535));
}

uint32_t TcpSocket::option_space() const {
  return (negotiated_.timestamps ? kTimestampsSpace : 0) + (signing_key() != nullptr ? kSignatureSpace : 0);
}

uint32_t TcpSocket::segment_for_mtu(uint32_t mtu) const {
  const uint32_t headers = header_space(demux_.remote) + sticky_size();
  const uint32_t segment = std::min<uint32_t>(mtu > headers ? mtu - headers : 0, snd_.peer_mss);
  return std::max(segment, static_cast<uint32_t>(stack().tunables().values().tcp_min_snd_mss)) - option_space();
}

uint32_t TcpSocket::mtu_for_segment(uint32_t segment) const {
  return segment + option_space() + header_space(demux_.remote) + sticky_size();
}

}  // namespace lxnet
