// The keys of TCP_MD5SIG (RFC 2385): which peers' segments are signed, and with what. Of the prefixes that hold a peer's address
// the longest counts.
#pragma once

#include "base/list.hh"
#include "base/ref.hh"
#include "hal/memory.hh"
#include "stack/ip_address.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {

class Packet;

struct Md5Key : RefCounted<Md5Key> {
  static constexpr size_t kMaxSize = 80;

  explicit Md5Key(const Hal& hal) : hal(hal) {}
  static void destroy(Md5Key* key) {
    const Hal& hal = key->hal;
    dispose(hal, key);
  }
  ByteSpan span() const { return ByteSpan(bytes, size); }

  const Hal& hal;
  uint8_t size = 0;
  uint8_t bytes[kMaxSize] = {};
};

class Md5Keys {
 public:
  explicit Md5Keys(const Hal& hal) : hal_(hal) {}
  ~Md5Keys();
  Md5Keys(const Md5Keys&) = delete;
  Md5Keys& operator=(const Md5Keys&) = delete;

  // Null: the peer's segments are not signed.
  const Md5Key* find(const IpAddress& peer) const;
  // Replaces the key of just this prefix. ENOMEM.
  Result<> add(const IpAddress& address, uint8_t prefix, ByteSpan key);
  Result<> share(const IpAddress& address, uint8_t prefix, const Md5Key& key);
  // visit(address, prefix, key)
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const Row& row : rows_) visit(row.address, row.prefix, *row.key);
  }
  // ENOENT.
  Result<> remove(const IpAddress& address, uint8_t prefix);

 private:
  struct Row {
    ListLink link;
    IpAddress address;
    uint8_t prefix = 0;
    Ref<Md5Key> key;
  };
  Row* find_row(const IpAddress& address, uint8_t prefix) const;

  const Hal& hal_;
  List<Row, &Row::link> rows_;
};

// RFC 2385, 2.0: over the pseudo-header, the header without options and with no checksum, the payload, the key.
struct SignedSegment {
  const IpAddress& source;
  const IpAddress& destination;
  TcpSegmentHeader header;
  const Packet& payload;
  size_t payload_offset;  // of the packet's bytes
};
void sign_segment(const SignedSegment& segment, const Md5Key& key, std::span<uint8_t, 16> signature);

}  // namespace lxnet
