#include "compat/afnetlink/nftables/message_writer.hh"

namespace lxnet {

static constexpr size_t kAttributeHead = 4;

// Zeroed, and as long as the alignment wants.
uint8_t* MessageWriter::take(size_t size) {
  const size_t aligned = netlink_align(size);
  if (is_full_ || aligned > room_.size() - size_) {
    is_full_ = true;
    return nullptr;
  }
  uint8_t* at = room_.data() + size_;
  memset(at, 0, aligned);
  size_ += aligned;
  return at;
}

void MessageWriter::begin(uint16_t type, uint16_t flags, uint32_t sequence, uint32_t port, const NetfilterHeader& head) {
  begin_ = size_;
  is_full_ = false;
  uint8_t* at = take(sizeof(NetlinkHeader) + sizeof head);
  if (at == nullptr) return;
  const NetlinkHeader header{0, type, flags, sequence, port};
  memcpy(at, &header, sizeof header);
  memcpy(at + sizeof header, &head, sizeof head);
}

bool MessageWriter::end() {
  if (is_full_) {
    back_to(begin_);
    return false;
  }
  const auto length = static_cast<uint32_t>(size_ - begin_);
  memcpy(room_.data() + begin_, &length, sizeof length);
  return true;
}

void MessageWriter::add_flags(uint16_t flags) {
  if (size_ < begin_ + sizeof(NetlinkHeader)) return;
  NetlinkHeader header;
  memcpy(&header, room_.data() + begin_, sizeof header);
  header.flags |= flags;
  memcpy(room_.data() + begin_, &header, sizeof header);
}

void MessageWriter::put(uint16_t type, ByteSpan value) { put_padded(type, value, value.size()); }

void MessageWriter::put_padded(uint16_t type, ByteSpan value, size_t size) {
  uint8_t* at = take(kAttributeHead + size);
  if (at == nullptr) return;
  const uint16_t head[2] = {static_cast<uint16_t>(kAttributeHead + size), type};
  memcpy(at, head, sizeof head);
  if (!value.empty()) memcpy(at + sizeof head, value.data(), value.size() < size ? value.size() : size);
}

void MessageWriter::put_text(uint16_t type, const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  put(type, ByteSpan(reinterpret_cast<const uint8_t*>(text), size + 1));
}

size_t MessageWriter::nest(uint16_t type) {
  const size_t place = size_;
  put(type, ByteSpan());
  return place;
}

void MessageWriter::end_nest(size_t place) {
  if (is_full_) return;
  const auto length = static_cast<uint16_t>(size_ - place);
  memcpy(room_.data() + place, &length, sizeof length);
}

}  // namespace lxnet
