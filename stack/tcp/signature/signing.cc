// Which of a socket's segments are signed, and which are believed (RFC 2385; Linux's tcp_inbound_hash).
#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

const Md5Key* TcpSocket::signing_key() const { return md5_keys_ == nullptr ? nullptr : md5_keys_->find(remote_.address); }

// "Upon receiving a signed segment, the receiver must validate it ... if the comparison fails, the segment must be dropped and
// must not produce any response back to the sender."
bool TcpSocket::accept_signature(Entry& entry, const TcpSegment& segment) {
  const ByteSpan found = segment.options.md5_signature;
  const Md5Key* key = md5_keys_ == nullptr ? nullptr : md5_keys_->find(segment.source.address);
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

// A child keeps its own peer's key, whatever becomes of the listener's.
Result<> TcpSocket::inherit_signing_key(const TcpSocket& listener) {
  const Md5Key* key = listener.md5_keys_ == nullptr ? nullptr : listener.md5_keys_->find(remote_.address);
  if (key == nullptr) return ok();
  md5_keys_ = construct<Md5Keys>(stack().hal(), stack().hal());
  if (md5_keys_ == nullptr) return Errno::ENOMEM;
  return md5_keys_->share(remote_.address, remote_.address.is_v4() ? 32 : 128, *key);
}

Result<> TcpOptionCalls::set_md5_key(Entry& entry, TcpSocket& socket, const IpAddress& peer, uint8_t prefix, ByteSpan key) {
  TaskOwnership ownership(socket.lock_, entry);
  if (key.empty()) return socket.md5_keys_ == nullptr ? Result<>(Errno::ENOENT) : socket.md5_keys_->remove(peer, prefix);
  if (socket.md5_keys_ == nullptr) {
    socket.md5_keys_ = construct<Md5Keys>(socket.stack().hal(), socket.stack().hal());
    if (socket.md5_keys_ == nullptr) return Errno::ENOMEM;
  }
  return socket.md5_keys_->add(peer, prefix, key);
}

}  // namespace lxnet
