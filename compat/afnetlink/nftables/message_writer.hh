// Writes messages into room of a fixed size. What does not fit is noticed at the end of a message, which is then taken back.
#pragma once

#include "base/bytes.hh"
#include "base/endian.hh"
#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

// struct nfgenmsg.
struct NetfilterHeader {
  uint8_t family = 0, version = 0;
  Be16 resource;
};
static_assert(sizeof(NetfilterHeader) == 4);

class MessageWriter {
 public:
  explicit MessageWriter(MutableByteSpan room) : room_(room) {}

  void begin(uint16_t type, uint16_t flags, uint32_t sequence, uint32_t port, const NetfilterHeader& head);
  // False: it was too long, and is gone.
  bool end();
  void add_flags(uint16_t flags);  // to the message that was begun last

  void put(uint16_t type, ByteSpan value);
  void put_u8(uint16_t type, uint8_t value) { put(type, bytes_of(value)); }
  void put_be16(uint16_t type, uint16_t value) { put(type, bytes_of(Be16(value))); }
  void put_be32(uint16_t type, uint32_t value) { put(type, bytes_of(Be32(value))); }
  void put_be64(uint16_t type, uint64_t value) { put(type, bytes_of(Be64(value))); }
  // With its end.
  void put_text(uint16_t type, const char* text);
  // A value of that size, zeros behind what is given.
  void put_padded(uint16_t type, ByteSpan value, size_t size);
  size_t nest(uint16_t type);
  void end_nest(size_t place);
  // Part of a message may be tried: back to where it was.
  size_t mark() const { return size_; }
  void back_to(size_t mark) {
    size_ = mark;
    is_full_ = false;
  }

  bool is_full() const { return is_full_; }
  size_t size() const { return size_; }
  ByteSpan written() const { return room_.first(size_); }

 private:
  uint8_t* take(size_t size);

  MutableByteSpan room_;
  size_t size_ = 0;
  size_t begin_ = 0;
  bool is_full_ = false;
};

}  // namespace lxnet
