#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

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

Result<> NetlinkWriter::finish_dump() {
  const int result = 0;
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
