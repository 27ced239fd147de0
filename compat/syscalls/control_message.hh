// Control messages (cmsg) both ways, in the 64-bit and the 32-bit layout.
//
// ControlReader holds the caller's buffer, copied once, and hands out checked messages; ControlWriter appends to the caller's
// buffer as put_cmsg() does: what does not fit is cut and MSG_CTRUNC is set.
#pragma once

#include "compat/syscalls/context.hh"
#include "hal/memory.hh"

namespace lxnet {

struct ControlMessage {
  int level = 0;
  int type = 0;
  ByteSpan data;

  // The payload as a T; EINVAL when its size differs.
  template <typename T>
  Result<T> as() const {
    if (data.size() != sizeof(T)) return Errno::EINVAL;
    return prefix<T>();
  }
  // The same of a payload that may be longer.
  template <typename T>
  Result<T> at_least() const {
    if (data.size() < sizeof(T)) return Errno::EINVAL;
    return prefix<T>();
  }

 private:
  template <typename T>
  T prefix() const {
    T value{};
    copy_bytes(mutable_bytes_of(value), data);
    return value;
  }
};

// struct cmsghdr in either layout.
struct ControlLayout {
  bool is_32bit = false;

  size_t header_size() const { return is_32bit ? 12 : 16; }
  size_t align(size_t size) const {
    const size_t unit = is_32bit ? 4 : 8;
    return (size + unit - 1) & ~(unit - 1);
  }
  size_t length_of(size_t data) const { return header_size() + data; }        // CMSG_LEN
  size_t space_of(size_t data) const { return header_size() + align(data); }  // CMSG_SPACE
};

class ControlReader {
 public:
  ControlReader() = default;
  // Copies the buffer in. ENOBUFS above INT_MAX or optmem_max, EFAULT.
  Result<> read(SyscallContext& context, UserAddress control, uint64_t size);
  bool is_32bit() const { return layout_.is_32bit; }
  bool is_empty() const { return size_ == 0; }

  // The next message: false at the end, EINVAL for one that is malformed.
  Result<bool> next(ControlMessage& out);
  void rewind() { offset_ = 0; }

 private:
  ByteSpan bytes() const { return heap_.is_empty() ? ByteSpan(inline_, size_) : ByteSpan(heap_.data(), size_); }

  ControlLayout layout_;
  size_t size_ = 0;
  size_t offset_ = 0;
  alignas(8) uint8_t inline_[128] = {};
  HeapArray<uint8_t> heap_;
};

class ControlWriter {
 public:
  ControlWriter(SyscallContext& context, UserAddress control, uint64_t size, uint32_t receive_flags)
      : context_(context),
        layout_{context.is_32bit()},
        start_(control),
        room_(control.is_null() ? 0 : size),
        receive_flags_(receive_flags) {}

  SyscallContext& context() const { return context_; }
  bool is_32bit() const { return layout_.is_32bit; }
  // MSG_CMSG_CLOEXEC, for descriptors.
  uint32_t receive_flags() const { return receive_flags_; }

  void put(int level, int type, ByteSpan data);
  template <typename T>
  void put(int level, int type, const T& value) {
    put(level, type, bytes_of(value));
  }
  // How many bytes of data another message could carry; negative room is none.
  size_t data_room() const { return room_ - used_ < layout_.header_size() ? 0 : room_ - used_ - layout_.header_size(); }
  // Of the first `size` bytes of that room, how many can be written: tried, with zeros.
  size_t writable_room(size_t size);
  void set_truncated() { is_truncated_ = true; }
  bool is_truncated() const { return is_truncated_; }
  uint64_t used() const { return used_; }  // msg_controllen on return

 private:
  SyscallContext& context_;
  ControlLayout layout_;
  UserAddress start_;
  uint64_t room_;
  uint64_t used_ = 0;
  uint32_t receive_flags_;
  bool is_truncated_ = false;
};

}  // namespace lxnet
