// Which of a socket's segments are signed, and which are believed (RFC 2385; Linux's tcp_inbound_hash).
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

const Md5Key* TcpSocket::signing_key() const { return md5_keys() == nullptr ? nullptr : md5_keys()->find(demux_.remote); }

// "Upon receiving a signed segment, the receiver must validate it ... if the comparison fails, the segment must be dropped and
// must not produce any response back to the sender."
bool TcpSocket::accept_signature(Entry& entry, const TcpSegment& segment) {
  const ByteSpan found = segment.options.md5_signature;
  const Md5Key* key = md5_keys() == nullptr ? nullptr : md5_keys()->find(segment.source.address);
  if (key == nullptr && found.empty()) return true;
  if (key == nullptr || found.empty()) {
    count(entry, key == nullptr ? Mib::TcpExtTCPMD5Unexpected : Mib::TcpExtTCPMD5NotFound);
    stack().drops().count(DropReason::TcpMd5);
    return false;
  }
  const auto* header = reinterpret_cast<const TcpHeader*>(segment.packet->transport_header());
  uint8_t expected[TcpOptions::kMd5Size];
  sign_segment({.source = segment.source.address,
                .destination = segment.destination.address,
                .header = TcpSegmentHeader::from(*header),
                .payload = *segment.packet,
                .payload_offset = 0},
               *key, expected);
  uint8_t difference = 0;
  for (size_t i = 0; i < sizeof expected; ++i) difference |= static_cast<uint8_t>(expected[i] ^ found[i]);
  if (difference == 0) return true;
  count(entry, Mib::TcpExtTCPMD5Failure);
  stack().drops().count(DropReason::TcpMd5);
  return false;
}

Result<Md5Keys*> TcpSocket::make_md5_keys() {
  RareParts* rare = make_rare();
  if (rare != nullptr && rare->md5_keys == nullptr) rare->md5_keys = construct<Md5Keys>(stack().hal(), stack().hal());
  if (rare == nullptr || rare->md5_keys == nullptr) return Errno::ENOMEM;
  return rare->md5_keys;
}

// A child keeps its own peer's key, whatever becomes of the listener's.
Result<> TcpSocket::inherit_signing_key(const TcpSocket& listener) {
  const Md5Key* key = listener.md5_keys() == nullptr ? nullptr : listener.md5_keys()->find(demux_.remote);
  if (key == nullptr) return ok();
  Md5Keys* keys = TRY(make_md5_keys());
  return keys->share(demux_.remote, demux_.remote.is_v4() ? 32 : 128, *key);
}

Result<> TcpOptionCalls::set_md5_key(Entry& entry, TcpSocket& socket, const IpAddress& peer, uint8_t prefix, ByteSpan key) {
  TaskOwnership ownership(socket.lock_, entry);
  if (!key.empty()) {
    Md5Keys* keys = TRY(socket.make_md5_keys());
    return keys->add(peer, prefix, key);
  }
  return socket.md5_keys() == nullptr ? Result<>(Errno::ENOENT) : socket.rare()->md5_keys->remove(peer, prefix);
}

}  // namespace lxnet
