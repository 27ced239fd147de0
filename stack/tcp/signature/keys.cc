#include "stack/tcp/signature/keys.hh"

#include "netdev/packet.hh"
#include "stack/tcp/signature/md5.hh"
#include "stack/wire/ip_protocol.hh"

namespace lxnet {
namespace {

// An IPv4 address is the end of a mapped one.
bool is_inside(const IpAddress& address, const IpAddress& network, uint8_t prefix) {
  if (address.is_v4() != network.is_v4()) return false;
  const auto a = bytes_of(address), b = bytes_of(network);
  unsigned bits = prefix + (address.is_v4() ? 96u : 0u);
  for (size_t i = 0; i < a.size() && bits != 0; ++i) {
    const unsigned here = bits < 8 ? bits : 8;
    if (((a[i] ^ b[i]) & (0xff00u >> here & 0xff)) != 0) return false;
    bits -= here;
  }
  return true;
}

}  // namespace

Md5Keys::~Md5Keys() {
  while (Row* row = rows_.take_front()) dispose(hal_, row);
}

const Md5Key* Md5Keys::find(const IpAddress& peer) const {
  const Row* best = nullptr;
  for (const Row& row : rows_) {
    if (is_inside(peer, row.address, row.prefix) && (best == nullptr || row.prefix > best->prefix)) best = &row;
  }
  return best == nullptr ? nullptr : best->key.get();
}

Md5Keys::Row* Md5Keys::find_row(const IpAddress& address, uint8_t prefix) const {
  for (Row& row : rows_) {
    if (row.prefix == prefix && row.address == address) return &row;
  }
  return nullptr;
}

Result<> Md5Keys::add(const IpAddress& address, uint8_t prefix, ByteSpan bytes) {
  Ref<Md5Key> key = TRY(make_ref<Md5Key>(hal_, hal_));
  key->size = static_cast<uint8_t>(copy_bytes(key->bytes, bytes));
  return share(address, prefix, *key);
}

Result<> Md5Keys::share(const IpAddress& address, uint8_t prefix, const Md5Key& key) {
  Row* row = find_row(address, prefix);
  if (row == nullptr) {
    row = construct<Row>(hal_);
    if (row == nullptr) return Errno::ENOMEM;
    row->address = address;
    row->prefix = prefix;
    rows_.push_back(*row);
  }
  row->key = Ref<Md5Key>::share(const_cast<Md5Key&>(key));
  return ok();
}

Result<> Md5Keys::remove(const IpAddress& address, uint8_t prefix) {
  Row* row = find_row(address, prefix);
  if (row == nullptr) return Errno::ENOENT;
  rows_.remove(*row);
  dispose(hal_, row);
  return ok();
}

void sign_segment(const SignedSegment& segment, const Md5Key& key, std::span<uint8_t, 16> signature) {
  Md5 hash;
  const auto size = static_cast<uint32_t>(segment.header.header_size + segment.payload.size() - segment.payload_offset);
  const auto low = static_cast<uint8_t>(size), high = static_cast<uint8_t>(size >> 8);
  const auto protocol = static_cast<uint8_t>(IpProtocol::Tcp);
  if (segment.source.is_v4()) {
    hash.add(bytes_of(segment.source.v4()));
    hash.add(bytes_of(segment.destination.v4()));
    const uint8_t rest[] = {0, protocol, high, low};
    hash.add(rest);
  } else {
    hash.add(bytes_of(segment.source.v6()));
    hash.add(bytes_of(segment.destination.v6()));
    const uint8_t rest[] = {0, 0, high, low, 0, 0, 0, protocol};
    hash.add(rest);
  }
  uint8_t header[sizeof(TcpHeader)] = {};
  TcpSegmentHeader plain = segment.header;
  plain.checksum = 0;
  plain.emit(header);
  hash.add(header);
  segment.payload.for_each_run(segment.payload_offset, segment.payload.size() - segment.payload_offset,
                               [&hash](ByteSpan run) { hash.add(run); });
  hash.add(key.span());
  hash.finish(signature);
}

}  // namespace lxnet
