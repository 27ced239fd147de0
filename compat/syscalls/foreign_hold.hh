// ForeignFileHold: a count of a file of the host's while a call uses it.
#pragma once

#include "compat/syscalls/context.hh"

namespace lxnet {

class ForeignFileHold {
 public:
  ForeignFileHold(const Hal& hal, int fd) : hal_(hal) {
    if (hal.table().foreign_get != nullptr) file_ = hal.table().foreign_get(hal.context(), fd);
  }
  ~ForeignFileHold() {
    if (file_ != nullptr) hal_.table().foreign_unref(hal_.context(), file_);
  }
  ForeignFileHold(const ForeignFileHold&) = delete;
  ForeignFileHold& operator=(const ForeignFileHold&) = delete;

  bool is_open() const { return file_ != nullptr; }
  // At *position, which moves on, or where the file stands. May block.
  Result<size_t> read(MutableByteSpan to, int64_t* position) {
    return answer(hal_.table().foreign_read(hal_.context(), file_, to.data(), to.size(), position));
  }
  Result<size_t> write(ByteSpan from, int64_t* position) {
    return answer(hal_.table().foreign_write(hal_.context(), file_, from.data(), from.size(), position));
  }
  // What comes next in a pipe, which stays there: EAGAIN while it is empty.
  bool can_peek() const { return hal_.table().foreign_peek != nullptr; }
  Result<size_t> peek(MutableByteSpan to) {
    return answer(hal_.table().foreign_peek(hal_.context(), file_, to.data(), to.size()));
  }
  // Where it stands; ESPIPE: nowhere.
  bool has_position() const { return hal_.table().foreign_seek != nullptr; }
  Result<size_t> position() { return seek(-1); }
  void move_to(int64_t position) { static_cast<void>(seek(position)); }
  // Poll bits now.
  PollEvents events() {
    const int64_t events = hal_.table().foreign_poll(hal_.context(), file_, nullptr);
    return events < 0 ? PollEvents{0} : static_cast<PollEvents>(events);
  }
  bool is_readable() const { return (traits() & LXNET_FOREIGN_READABLE) != 0; }
  bool is_writable() const { return (traits() & LXNET_FOREIGN_WRITABLE) != 0; }
  bool is_pipe() const { return (traits() & LXNET_FOREIGN_PIPE) != 0; }

 private:
  Result<size_t> seek(int64_t position) { return answer(hal_.table().foreign_seek(hal_.context(), file_, position)); }
  uint32_t traits() const {
    constexpr uint32_t kUnknown = LXNET_FOREIGN_READABLE | LXNET_FOREIGN_WRITABLE;
    return hal_.table().foreign_traits == nullptr ? kUnknown : hal_.table().foreign_traits(hal_.context(), file_);
  }
  static Result<size_t> answer(int64_t done) {
    if (done < 0) return static_cast<Errno>(-done);
    return static_cast<size_t>(done);
  }

  const Hal& hal_;
  lxnet_foreign_file* file_ = nullptr;
};

}  // namespace lxnet
