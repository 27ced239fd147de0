// IoSegments: an iovec array taken in and checked as Linux's import_iovec() does; UserSource and UserSink copy through it.
#pragma once

#include "compat/syscalls/context.hh"
#include "hal/memory.hh"
#include "stack/io.hh"

namespace lxnet {

inline constexpr uint64_t kMaxReadWrite = 0x7ffff000;  // MAX_RW_COUNT with 4 KiB pages
inline constexpr uint64_t kMaxSegments = 1024;         // UIO_MAXIOV

struct IoSegment {
  UserAddress base;
  uint64_t size = 0;
};

class IoSegments {
 public:
  IoSegments(IoSegments&& other) noexcept : heap_(std::move(other.heap_)), count_(other.count_), total_(other.total_) {
    if (heap_.is_empty()) copy_bytes(MutableByteSpan(inline_bytes_), ByteSpan(other.inline_bytes_, count_ * sizeof(IoSegment)));
  }
  // An iovec array of the caller's. EINVAL for a negative length, EFAULT for memory that is not the caller's. The caller has
  // checked `count` against kMaxSegments, because the errno for that depends on the call.
  static Result<IoSegments> import(SyscallContext& context, UserAddress vector, uint64_t count);

  std::span<const IoSegment> segments() const {
    return {heap_.is_empty() ? reinterpret_cast<const IoSegment*>(inline_bytes_) : heap_.data(), count_};
  }
  size_t total() const { return total_; }

 private:
  static constexpr size_t kInline = 8;

  IoSegments() {}  // leaves the room for segments as it is
  IoSegment* inline_segments() { return reinterpret_cast<IoSegment*>(inline_bytes_); }
  Result<> read_vector(SyscallContext& context, UserAddress vector, IoSegment* out);
  Result<> check(SyscallContext& context, IoSegment* segments);

  alignas(IoSegment) uint8_t inline_bytes_[kInline * sizeof(IoSegment)];
  HeapArray<IoSegment> heap_;
  size_t count_ = 0;
  size_t total_ = 0;
};

// One buffer, as read() and sendto() have it: the total is cut as a vector's is, and EFAULT says that it is not the caller's.
inline Result<IoSegment> import_buffer(SyscallContext& context, UserAddress base, uint64_t size) {
  const IoSegment segment{base, size < kMaxReadWrite ? size : kMaxReadWrite};
  if (!context.is_user_range(base, segment.size)) return Errno::EFAULT;
  return segment;
}

// The segments must outlive what copies through them.
class UserSource : public IoSource {
 public:
  UserSource(const Hal& hal, const IoSegment& segment)
      : IoSource(static_cast<size_t>(segment.size), &copy_segments, &peek_segments, &reach_over_segments),
        hal_(hal),
        segments_(&segment, 1) {}
  UserSource(const Hal& hal, const IoSegments& segments)
      : IoSource(segments.total(), &copy_segments, &peek_segments, &reach_over_segments),
        hal_(hal),
        segments_(segments.segments()) {}

 private:
  static size_t copy_segments(IoSource& source, MutableByteSpan to);
  static size_t peek_segments(const IoSource& source, MutableByteSpan to);
  static size_t reach_over_segments(const IoSource& source, size_t limit, unsigned& pieces);

  const Hal& hal_;
  std::span<const IoSegment> segments_;
  uint64_t offset_ = 0;  // into the first segment
};

class UserSink : public IoSink {
 public:
  UserSink(const Hal& hal, const IoSegment& segment)
      : IoSink(static_cast<size_t>(segment.size), &copy_segments), hal_(hal), segments_(&segment, 1) {}
  UserSink(const Hal& hal, const IoSegments& segments)
      : IoSink(segments.total(), &copy_segments), hal_(hal), segments_(segments.segments()) {}

 private:
  static size_t copy_segments(IoSink& sink, ByteSpan from);

  const Hal& hal_;
  std::span<const IoSegment> segments_;
  uint64_t offset_ = 0;
};

}  // namespace lxnet
