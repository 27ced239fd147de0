// InputBuffer: what was sent to a cipher's operation socket and not received yet, in one piece. How much more may come is counted
// in pages as Linux does, which keeps the data in pages: a page that is begun may be filled whatever the limit says.
#pragma once

#include "compat/afalg/secret.hh"
#include "stack/io.hh"

namespace lxnet {

class InputBuffer {
 public:
  static constexpr size_t kPage = 4096;

  size_t size() const { return size_; }
  const uint8_t* data() const { return memory_.data() + start_; }

  // Whether a new page may be begun under this SO_SNDBUF.
  bool has_room(uint32_t send_buffer) const { return room(send_buffer) >= kPage; }
  bool has_begun_page() const { return page_fill_ != 0; }

  // Takes some of the source: the rest of a begun page, else as much as there is room for. Gives what was taken. ENOMEM, EFAULT:
  // no part of a page of which a byte cannot be read is taken.
  Result<> append(const Hal& hal, IoSource& source, uint32_t send_buffer, size_t& copied);
  void consume(size_t size);

 private:
  size_t room(uint32_t send_buffer) const;
  Result<> reserve(const Hal& hal, size_t size);
  Result<> append_piece(const Hal& hal, IoSource& source, size_t size, size_t& copied);

  SecretMemory memory_;
  size_t start_ = 0, size_ = 0;
  size_t page_fill_ = 0;  // of the last page; 0: none is begun
};

}  // namespace lxnet
