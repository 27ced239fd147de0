#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

bool NetlinkAttributes::take(ByteSpan& rest, uint16_t& type, ByteSpan& value) {
  constexpr size_t kHead = 4;
  constexpr uint16_t kTypeMask = 0x3fff;  // the rest says how the value is coded
  uint16_t head[2];
  if (rest.size() < sizeof head) return false;
  memcpy(head, rest.data(), sizeof head);
  if (head[0] < kHead || head[0] > rest.size()) return false;
  type = head[1] & kTypeMask;
  value = rest.first(head[0]).subspan(kHead);
  const size_t step = netlink_align(head[0]);
  rest = rest.subspan(step < rest.size() ? step : rest.size());
  return true;
}

std::optional<ByteSpan> NetlinkAttributes::find(uint16_t wanted) const {
  std::optional<ByteSpan> found;
  uint16_t type = 0;
  ByteSpan value;
  for (ByteSpan rest = bytes_; take(rest, type, value);) {
    if (type == wanted) found = value;
  }
  return found;
}

Result<> NetlinkWriter::make_room(size_t size) {
  if (buffer_.is_empty()) buffer_ = TRY(HeapArray<uint8_t>::create(hal_, kMost));
  return size_ + size <= kMost ? Result<>(ok()) : Result<>(Errno::EMSGSIZE);
}

Result<> NetlinkWriter::begin(uint16_t type, uint16_t flags, ByteSpan body) {
  const size_t size = netlink_align(sizeof(NetlinkHeader) + body.size());
  TRY(make_room(size));
  current_ = size_;
  const NetlinkHeader header{static_cast<uint32_t>(sizeof(NetlinkHeader) + body.size()), type, flags, request_.header.sequence,
                             request_.header.port};
  memset(buffer_.data() + size_, 0, size);
  memcpy(buffer_.data() + size_, &header, sizeof header);
  if (!body.empty()) memcpy(buffer_.data() + size_ + sizeof header, body.data(), body.size());
  size_ += size;
  return ok();
}

Result<> NetlinkWriter::attribute(uint16_t type, ByteSpan value) {
  const size_t size = netlink_align(4 + value.size());
  TRY(make_room(size));
  const uint16_t head[2] = {static_cast<uint16_t>(4 + value.size()), type};
  memset(buffer_.data() + size_, 0, size);
  memcpy(buffer_.data() + size_, head, sizeof head);
  if (!value.empty()) memcpy(buffer_.data() + size_ + sizeof head, value.data(), value.size());
  size_ += size;
  return ok();
}

Result<size_t> NetlinkWriter::begin_nested(uint16_t type) {
  const size_t place = size_;
  TRY(attribute(type, ByteSpan()));
  return place;
}

void NetlinkWriter::end_nested(size_t place) {
  const auto length = static_cast<uint16_t>(size_ - place);
  memcpy(buffer_.data() + place, &length, sizeof length);
}

// A message that makes the datagram too long begins the next one.
Result<> NetlinkWriter::end() {
  if (size_ > current_ + sizeof(NetlinkHeader)) {
    const auto length = static_cast<uint32_t>(size_ - current_);
    NetlinkHeader header;
    memcpy(&header, buffer_.data() + current_, sizeof header);
    if (length > netlink_align(header.length)) header.length = length;  // attributes follow
    memcpy(buffer_.data() + current_, &header, sizeof header);
  }
  if (size_ <= kPart || current_ == 0) return ok();
  TRY(output_.queue(ByteSpan(buffer_.data(), current_)));
  memmove(buffer_.data(), buffer_.data() + current_, size_ - current_);
  size_ -= current_;
  current_ = 0;
  return ok();
}

Result<> NetlinkWriter::finish_dump(Errno outcome) {
  const int result = -static_cast<int>(outcome);
  TRY(begin(kNetlinkDone, kNetlinkMulti, bytes_of(result)));
  TRY(end());
  return flush();
}

Result<> NetlinkWriter::flush() {
  if (size_ == 0) return ok();
  TRY(output_.queue(ByteSpan(buffer_.data(), size_)));
  size_ = current_ = 0;
  return ok();
}

}  // namespace lxnet
