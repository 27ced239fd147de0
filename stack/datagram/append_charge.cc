#include "stack/datagram/append_charge.hh"

#include <algorithm>

#include "netdev/packet.hh"

namespace lxnet {
namespace {

constexpr size_t kFragmentHeader = 8;
constexpr size_t kLargestBuffer = 16384 - 320;  // SKB_MAX_ALLOC: beyond that bytes lie in pages

// Room for a link header, and over IPv4 for alignment, over IPv6 for a fragment header.
size_t spare_bytes(IpFamily family) { return family == IpFamily::V4 ? 31 : 24; }

// Of a fragment that is followed by others.
size_t full_fragment(const AppendShape& shape) {
  const size_t whole = ((shape.mtu - shape.headers) & ~size_t{7}) + shape.headers;
  return shape.family == IpFamily::V4 ? whole : whole - kFragmentHeader;
}

}  // namespace

// One buffer to be asked for.
struct AppendCharge::Fragment {
  size_t gap;     // bytes that move over from the one before, which may not be that long now
  size_t data;    // behind the headers
  size_t paged;   // of them in pages
  size_t buffer;  // asked of the allocator
  size_t size;    // with headers, without pages
};

uint32_t AppendCharge::of_one(const AppendShape& shape, size_t size, size_t transport) {
  const size_t headers = shape.headers + shape.first_headers + spare_bytes(shape.family);
  if (!shape.is_paged && headers + size < kLargestBuffer) return Packet::charge_of(headers + size);
  return Packet::charge_of(headers + transport) + static_cast<uint32_t>(size - transport);
}

void AppendCharge::start_fragment(const Fragment& fragment, size_t& left, size_t& transport) {
  total_ += Packet::charge_of(fragment.buffer);
  last_size_ = fragment.size;
  left -= fragment.data - fragment.gap - fragment.paged;
  transport = 0;
}

size_t AppendCharge::append(const AppendShape& shape, size_t size, size_t transport, size_t held, size_t limit) {
  const bool is_first = last_size_ == 0;
  if (shape.mtu < shape.headers + 2 * kFragmentHeader) return size;
  const size_t full = full_fragment(shape);
  const size_t extra = is_first ? shape.first_headers : 0;
  size_t left = size + extra;
  transport = is_first ? transport + extra : 0;
  appended_ += left;
  const size_t before = total_;
  while (left > 0 || last_size_ == 0) {
    const size_t whole = shape.family == IpFamily::V4 || appended_ <= shape.mtu ? shape.mtu : full;
    const size_t end = whole > last_size_ && whole - last_size_ >= left ? whole : full;
    if (last_size_ != 0 && end > last_size_) {
      const size_t copied = std::min(end - last_size_, left);
      total_ += static_cast<uint32_t>(copied);
      last_size_ += copied;
      left -= copied;
      continue;
    }
    // Nobody waits for another fragment's room.
    if (transport == 0 && held + (total_ - before) + 1 > limit) return size + extra - left;
    Fragment next{.gap = last_size_ != 0 ? last_size_ - full : 0, .data = 0, .paged = 0, .buffer = 0, .size = 0};
    next.data = left + next.gap;
    if (next.data > whole - shape.headers) next.data = full - shape.headers;
    if (next.data < transport + next.gap) return size;  // headers alone are too much, which is refused elsewhere
    next.buffer = next.data + shape.headers + spare_bytes(shape.family);
    if (shape.is_paged || next.buffer >= kLargestBuffer) {
      next.paged = next.data - transport - next.gap;
      next.buffer -= next.paged;
    }
    next.size = next.data + shape.headers - next.paged;
    start_fragment(next, left, transport);
  }
  return size;
}

}  // namespace lxnet
