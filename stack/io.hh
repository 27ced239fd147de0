// IoSource and IoSink: where a send takes its bytes from and where a receive puts them, without saying whether that is user
// memory.
//
// Rule kept: payload crosses once. A protocol copies from the source straight into the block it will send, and from the packet
// straight into the sink. A copy that meets bad memory stops there: it returns how much went well, and the protocol decides what
// Linux answers (EFAULT, or the part that was done).
#pragma once

#include "base/bytes.hh"

namespace lxnet {

class IoSource {
 public:
  // Copies exactly to.size() bytes if it can, else as much as could be read; advances by what was copied.
  using Copy = size_t (*)(IoSource& source, MutableByteSpan to);
  // The same without advancing.
  using Peek = size_t (*)(const IoSource& source, MutableByteSpan to);
  // Of the next `limit` bytes those that a packet could take in `pieces` pieces of memory; leaves in it how many they are.
  using Reach = size_t (*)(const IoSource& source, size_t limit, unsigned& pieces);

  IoSource(size_t size, Copy copy, Peek peek, Reach reach = nullptr)
      : remaining_(size), copy_(copy), peek_(peek), reach_(reach) {}
  size_t remaining() const { return remaining_; }
  size_t copy(MutableByteSpan to) {
    const size_t copied = copy_(*this, to);
    remaining_ -= copied;
    return copied;
  }
  // What a protocol reads before it knows whether it will take the bytes: a header that the program wrote.
  size_t peek(MutableByteSpan to) const { return peek_(*this, to); }
  size_t reach(size_t limit, unsigned& pieces) const {
    if (reach_ != nullptr) return reach_(*this, limit, pieces);
    pieces = 1;
    return limit;
  }

 private:
  size_t remaining_;
  Copy copy_;
  Peek peek_;
  Reach reach_;
};

class IoSink {
 public:
  using Copy = size_t (*)(IoSink& sink, ByteSpan from);

  IoSink(size_t room, Copy copy) : room_(room), copy_(copy) {}
  size_t room() const { return room_; }
  size_t copy(ByteSpan from) {
    const size_t copied = copy_(*this, from);
    room_ -= copied;
    return copied;
  }

 private:
  size_t room_;
  Copy copy_;
};

// Kernel memory as source and sink: tests, sendfile, and what the stack sends by itself.
class SpanSource : public IoSource {
 public:
  explicit SpanSource(ByteSpan bytes) : IoSource(bytes.size(), &copy_from_span, &peek_at_span), bytes_(bytes) {}

 private:
  static size_t copy_from_span(IoSource& source, MutableByteSpan to) {
    auto& self = static_cast<SpanSource&>(source);
    const size_t copied = copy_bytes(to, self.bytes_);
    self.bytes_ = self.bytes_.subspan(copied);
    return copied;
  }
  static size_t peek_at_span(const IoSource& source, MutableByteSpan to) {
    return copy_bytes(to, static_cast<const SpanSource&>(source).bytes_);
  }
  ByteSpan bytes_;
};

class SpanSink : public IoSink {
 public:
  explicit SpanSink(MutableByteSpan bytes) : IoSink(bytes.size(), &copy_to_span), bytes_(bytes) {}

 private:
  static size_t copy_to_span(IoSink& sink, ByteSpan from) {
    auto& self = static_cast<SpanSink&>(sink);
    const size_t copied = copy_bytes(self.bytes_, from);
    self.bytes_ = self.bytes_.subspan(copied);
    return copied;
  }
  MutableByteSpan bytes_;
};

}  // namespace lxnet
