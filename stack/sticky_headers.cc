// Making them and chaining them.
#include "stack/sticky_headers.hh"

#include "stack/wire/ipv4_options.hh"
#include "stack/wire/segment_routing.hh"

namespace lxnet {
namespace {

constexpr uint8_t kNumbers[StickyHeaders::kKinds] = {0, 60, 43, 60};

bool is_sent(const StickyHeaders::Parts& parts, size_t kind) {
  return kind != StickyHeaders::BeforeRouting || !parts.bytes[StickyHeaders::Routing].empty();
}

}  // namespace

Result<Ref<StickyHeaders>> StickyHeaders::create_v4(const Hal& hal, ByteSpan options) {
  auto bytes = HeapArray<uint8_t>::create(hal, options.size());
  if (!bytes.is_ok()) return Errno::ENOBUFS;
  HeapArray<uint8_t> block = bytes.take();
  copy_bytes(MutableByteSpan(block.data(), block.size()), options);
  auto made = make_ref<StickyHeaders>(hal, hal, std::move(block));
  if (!made.is_ok()) return Errno::ENOBUFS;
  Ref<StickyHeaders> headers = made.take();
  const Ipv4Options parsed = TRY(Ipv4Options::from_user(options, Ipv4OptionsPrivilege::RawNetwork));
  headers->has_source_route_ = parsed.has_source_route();
  headers->source_route_begin_ = parsed.first_hop();
  return headers;
}

Result<Ref<StickyHeaders>> StickyHeaders::create_v6(const Hal& hal, const Parts& parts) {
  size_t size = 0;
  for (size_t kind = 0; kind < kKinds; ++kind) size += parts.bytes[kind].size() * (is_sent(parts, kind) ? 2 : 1);
  auto bytes = HeapArray<uint8_t>::create(hal, size);
  if (!bytes.is_ok()) return Errno::ENOBUFS;
  auto made = make_ref<StickyHeaders>(hal, hal, bytes.take());
  if (!made.is_ok()) return Errno::ENOBUFS;
  Ref<StickyHeaders> headers = made.take();
  headers->link_chain(parts);
  return headers;
}

StickyHeaders::Parts StickyHeaders::parts() const {
  Parts parts;
  for (uint8_t kind = 0; kind < kKinds; ++kind) parts.bytes[kind] = part(static_cast<Kind>(kind));
  return parts;
}

IpAddress StickyHeaders::first_hop(const IpAddress& destination) const {
  if (!has_route()) return destination;
  if (destination.is_v4()) return has_source_route_ ? IpAddress(source_route_begin_) : destination;
  return has_source_route_ ? destination : IpAddress(first_segment(part(Routing)));
}

void StickyHeaders::link_chain(const Parts& parts) {
  size_t at = 0;
  const auto append = [&](ByteSpan bytes) {
    copy_bytes(MutableByteSpan(bytes_.data() + at, bytes.size()), bytes);
    at += bytes.size();
  };
  for (size_t kind = 0; kind < kKinds; ++kind) {
    begin_[kind] = at;
    append(parts.bytes[kind]);
  }
  begin_[kKinds] = chain_at_ = at;
  uint8_t* previous = &first_header_;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (parts.bytes[kind].empty() || !is_sent(parts, kind)) continue;
    *previous = kNumbers[kind];
    previous = bytes_.data() + at;
    append(parts.bytes[kind]);
  }
}

}  // namespace lxnet
