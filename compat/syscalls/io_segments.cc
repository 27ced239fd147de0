// Taking in iovec arrays of both word sizes, and copying through them.
#include "compat/syscalls/io_segments.hh"

#include <algorithm>

namespace lxnet {
namespace {

struct UserVector64 {
  uint64_t base, size;
};
struct UserVector32 {
  uint32_t base, size;
};

template <typename Vector, typename Signed>
Result<> read_vectors(SyscallContext& context, UserAddress vector, std::span<IoSegment> out) {
  // In pieces that fit the stack: one copy for what programs really pass.
  Vector piece[8];
  for (size_t done = 0; done < out.size();) {
    const size_t count = out.size() - done < 8 ? out.size() - done : 8;
    TRY(copy_in(context.hal(), MutableByteSpan(reinterpret_cast<uint8_t*>(piece), count * sizeof(Vector)),
                vector + done * sizeof(Vector)));
    for (size_t i = 0; i < count; ++i) {
      if (static_cast<Signed>(piece[i].size) < 0) return Errno::EINVAL;
      new (&out[done + i]) IoSegment{UserAddress(piece[i].base), piece[i].size};
    }
    done += count;
  }
  return ok();
}

// Copies `bytes` through the segments with copy_one(user address, offset, size) -> bytes not copied.
template <typename CopyOne>
[[gnu::always_inline]] inline size_t copy_through(std::span<const IoSegment>& segments, uint64_t& offset, size_t bytes,
                                                  CopyOne&& copy_one) {
  // Mostly all of it lies in one buffer.
  if (bytes != 0 && !segments.empty() && bytes <= segments.front().size - offset) [[likely]] {
    const size_t copied = bytes - copy_one(segments.front().base + offset, 0, bytes);
    offset += copied;
    return copied;
  }
  size_t done = 0;
  while (done < bytes && !segments.empty()) {
    const IoSegment& segment = segments.front();
    const uint64_t left = segment.size - offset;
    const size_t size = left < bytes - done ? static_cast<size_t>(left) : bytes - done;
    const size_t missed = size == 0 ? 0 : copy_one(segment.base + offset, done, size);
    done += size - missed;
    offset += size - missed;
    if (missed != 0) break;
    if (offset == segment.size) {
      segments = segments.subspan(1);
      offset = 0;
    }
  }
  return done;
}

}  // namespace

Result<IoSegments> IoSegments::import(SyscallContext& context, UserAddress vector, uint64_t count) {
  IoSegments result;
  result.count_ = static_cast<size_t>(count);
  if (count > kInline) result.heap_ = TRY(HeapArray<IoSegment>::create(context.hal(), result.count_));
  IoSegment* segments = count > kInline ? result.heap_.data() : result.inline_segments();
  TRY(result.read_vector(context, vector, segments));
  TRY(result.check(context, segments));
  return result;
}

Result<> IoSegments::read_vector(SyscallContext& context, UserAddress vector, IoSegment* out) {
  const std::span<IoSegment> segments(out, count_);
  if (context.is_32bit()) return read_vectors<UserVector32, int32_t>(context, vector, segments);
  return read_vectors<UserVector64, int64_t>(context, vector, segments);
}

// The total is cut at MAX_RW_COUNT; each buffer, as far as it counts, must lie in user space.
Result<> IoSegments::check(SyscallContext& context, IoSegment* segments) {
  uint64_t total = 0;
  for (size_t i = 0; i < count_; ++i) {
    IoSegment& segment = segments[i];
    if (segment.size > kMaxReadWrite - total) segment.size = kMaxReadWrite - total;
    if (!context.is_user_range(segment.base, segment.size)) return Errno::EFAULT;
    total += segment.size;
  }
  total_ = static_cast<size_t>(total);
  return ok();
}

size_t UserSource::copy_segments(IoSource& source, MutableByteSpan to) {
  auto& self = static_cast<UserSource&>(source);
  return copy_through(self.segments_, self.offset_, to.size(), [&](UserAddress from, size_t done, size_t size) {
    return self.hal_.copy_from_user(to.data() + done, from.value(), size);
  });
}

size_t UserSource::peek_segments(const IoSource& source, MutableByteSpan to) {
  UserSource ahead = static_cast<const UserSource&>(source);
  return copy_segments(ahead, to);
}

// A piece is what lies in one page and follows in memory.
size_t UserSource::reach_over_segments(const IoSource& source, size_t limit, unsigned& pieces) {
  constexpr uint64_t kPageSize = 4096;
  const auto& self = static_cast<const UserSource&>(source);
  uint64_t offset = self.offset_;
  size_t reached = 0;
  unsigned used = 0;
  for (const IoSegment& segment : self.segments_) {
    while (offset < segment.size && used < pieces && reached < limit) {
      const uint64_t in_page = kPageSize - (segment.base.value() + offset) % kPageSize;
      const uint64_t size = std::min({in_page, segment.size - offset, uint64_t{limit - reached}});
      offset += size;
      reached += static_cast<size_t>(size);
      ++used;
    }
    offset = 0;
  }
  pieces = used;
  return reached;
}

size_t UserSink::copy_segments(IoSink& sink, ByteSpan from) {
  auto& self = static_cast<UserSink&>(sink);
  return copy_through(self.segments_, self.offset_, from.size(), [&](UserAddress to, size_t done, size_t size) {
    return self.hal_.copy_to_user(to.value(), from.data() + done, size);
  });
}

}  // namespace lxnet
