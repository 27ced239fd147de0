// select and pselect6. Sets are bit arrays of longs in the caller's word size; in memory both sizes look alike on a little-endian
// machine.
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/poll_set.hh"
#include "compat/syscalls/signal_mask.hh"
#include "compat/syscalls/user_time.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadable = kPollReadNormal | kPollReadBand | kPollIn | kPollHangUp | kPollError;
constexpr PollEvents kWritable = kPollWriteBand | kPollWriteNormal | kPollOut | kPollError;
constexpr PollEvents kExceptional = kPollPriority;
constexpr int kLimitOpenFiles = 7;               // RLIMIT_NOFILE
constexpr uint32_t kMostDescriptors = 1u << 20;  // where the host has no limit: sysctl_nr_open

enum SetIndex : size_t { kIn, kOut, kExceptionalSet, kSetCount };
constexpr PollEvents kMeaning[kSetCount] = {kReadable, kWritable, kExceptional};

// The three sets, as bytes. A null pointer is an empty set that is not written back.
class DescriptorSets {
 public:
  static Result<DescriptorSets> read(SyscallContext& context, uint32_t count, const UserAddress (&users)[kSetCount]) {
    const size_t word = context.is_32bit() ? 4 : 8;
    const size_t size = (count + word * 8 - 1) / (word * 8) * word;
    DescriptorSets sets(size, TRY(HeapArray<uint8_t>::create(context.hal(), size * kSetCount)));
    for (size_t i = 0; i < kSetCount; ++i) {
      sets.users_[i] = users[i];
      if (!users[i].is_null()) TRY(copy_in(context.hal(), sets.bytes(i), users[i]));
    }
    return sets;
  }

  bool test(size_t set, uint32_t fd) const { return (bytes(set)[fd / 8] >> (fd % 8) & 1) != 0; }
  void assign(size_t set, uint32_t fd, bool value) {
    uint8_t& byte = bytes(set)[fd / 8];
    const auto bit = static_cast<uint8_t>(1u << (fd % 8));
    byte = static_cast<uint8_t>(value ? byte | bit : byte & ~bit);
  }
  PollEvents interest(uint32_t fd) const {
    PollEvents events = 0;
    for (size_t i = 0; i < kSetCount; ++i) {
      if (test(i, fd)) events |= kMeaning[i];
    }
    return events;
  }
  // Linux copies whole words: what the last one holds beyond the count is cleared.
  void clear_from(uint32_t count) {
    for (uint32_t fd = count; fd < size_ * 8; ++fd) {
      for (size_t i = 0; i < kSetCount; ++i) assign(i, fd, false);
    }
  }
  Result<> write_back(SyscallContext& context) const {
    for (size_t i = 0; i < kSetCount; ++i) {
      if (!users_[i].is_null()) TRY(copy_out(context.hal(), users_[i], bytes(i)));
    }
    return ok();
  }

 private:
  DescriptorSets(size_t size, HeapArray<uint8_t> storage) : size_(size), storage_(std::move(storage)) {}
  MutableByteSpan bytes(size_t set) const { return MutableByteSpan(storage_.data() + set * size_, size_); }

  size_t size_;
  HeapArray<uint8_t> storage_;
  UserAddress users_[kSetCount];
};

// What lies beyond the descriptor table is not looked at, open or not.
uint32_t clamp_count(SyscallContext& context, int count) {
  constexpr int kLeastTable = 64;  // places that every table has
  if (count <= kLeastTable) return static_cast<uint32_t>(count);
  const lxnet_hal& table = context.hal().table();
  uint64_t limit = kMostDescriptors;
  if (table.fd_table_size != nullptr) {
    limit = table.fd_table_size(context.hal().context());
  } else if (table.resource_limit != nullptr) {
    limit = table.resource_limit(context.hal().context(), kLimitOpenFiles);
  }
  return static_cast<uint64_t>(count) > limit ? static_cast<uint32_t>(limit) : static_cast<uint32_t>(count);
}

// Bits of descriptors that are ready stay, the others go; the number of bits that stay.
int64_t keep_ready(DescriptorSets& sets, const PollSet& polls, uint32_t count) {
  int64_t ready = 0;
  size_t index = 0;
  for (uint32_t fd = 0; fd < count; ++fd) {
    if (sets.interest(fd) == 0) continue;
    const PollEvents events = polls.events(index++);
    for (size_t i = 0; i < kSetCount; ++i) {
      if (!sets.test(i, fd)) continue;
      const bool is_ready = (events & kMeaning[i]) != 0;
      sets.assign(i, fd, is_ready);
      ready += is_ready ? 1 : 0;
    }
  }
  return ready;
}

Result<int64_t> select_until(SyscallContext& context, int user_count, const UserAddress (&users)[kSetCount], Instant deadline) {
  if (user_count < 0) return Errno::EINVAL;
  const uint32_t count = clamp_count(context, user_count);
  DescriptorSets sets = TRY(DescriptorSets::read(context, count, users));
  uint32_t watched = 0;
  for (uint32_t fd = 0; fd < count; ++fd) watched += sets.interest(fd) != 0 ? 1 : 0;
  PollSet polls = TRY(PollSet::create(context, watched));
  for (uint32_t fd = 0; fd < count; ++fd) {
    if (const PollEvents interest = sets.interest(fd); interest != 0) polls.add(static_cast<int>(fd), interest);
  }
  if (polls.has_invalid()) return Errno::EBADF;
  if (polls.is_all_foreign()) return Errno::ENOSYS;
  TRY(polls.wait(deadline));
  const int64_t ready = keep_ready(sets, polls, count);
  sets.clear_from(count);
  TRY(sets.write_back(context));
  return ready;
}

Result<int64_t> select_timed(SyscallContext& context, int count, const UserAddress (&users)[kSetCount],
                             const UserTimeout& timeout, UserAddress mask = UserAddress(), uint64_t mask_size = 0) {
  Instant deadline = Instant::never();
  if (!timeout.user.is_null()) {
    TimePair pair = TRY(read_time_pair(context, timeout.user, timeout.width));
    if (timeout.is_timeval) {
      // Microseconds past a second are carried, as select() always did; negative ones are refused.
      pair.seconds = static_cast<int64_t>(static_cast<uint64_t>(pair.seconds) + static_cast<uint64_t>(pair.fraction / 1'000'000));
      pair.fraction = pair.fraction % 1'000'000 * 1000;
    }
    deadline = context.entry().now() + TRY(timeout_from_timespec(pair));
  }
  TRY(apply_signal_mask(context, mask, mask_size));
  return finish_timed_wait(context, timeout, deadline, select_until(context, count, users, deadline));
}

struct MaskArgument {
  UserAddress mask;
  uint64_t size = 0;
};

// pselect6's sixth argument points to a pointer and a size.
Result<MaskArgument> read_mask_argument(SyscallContext& context, UserAddress from) {
  if (from.is_null()) return MaskArgument{};
  if (context.is_32bit()) {
    struct Narrow {
      uint32_t mask, size;
    };
    const Narrow narrow = TRY(read_user<Narrow>(context.hal(), from));
    return MaskArgument{UserAddress(narrow.mask), narrow.size};
  }
  struct Wide {
    uint64_t mask, size;
  };
  const Wide wide = TRY(read_user<Wide>(context.hal(), from));
  return MaskArgument{UserAddress(wide.mask), wide.size};
}

}  // namespace

Result<int64_t> sys_select(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                           UserAddress timeout) {
  return select_timed(context, count, {in, out, exceptional}, {timeout, native_time_width(context), true});
}

Result<int64_t> sys_old_select(SyscallContext& context, UserAddress arguments) {
  struct OldSelect {
    int32_t count;
    uint32_t in, out, exceptional, timeout;
  };
  const OldSelect old = TRY(read_user<OldSelect>(context.hal(), arguments));
  return sys_select(context, old.count, UserAddress(old.in), UserAddress(old.out), UserAddress(old.exceptional),
                    UserAddress(old.timeout));
}

Result<int64_t> sys_pselect6(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                             UserAddress timeout, UserAddress mask) {
  const MaskArgument argument = TRY(read_mask_argument(context, mask));
  return select_timed(context, count, {in, out, exceptional}, {timeout, TimeWidth::Bits64, false}, argument.mask, argument.size);
}

Result<int64_t> sys_pselect6_time32(SyscallContext& context, int count, UserAddress in, UserAddress out, UserAddress exceptional,
                                    UserAddress timeout, UserAddress mask) {
  const MaskArgument argument = TRY(read_mask_argument(context, mask));
  return select_timed(context, count, {in, out, exceptional}, {timeout, TimeWidth::Bits32, false}, argument.mask, argument.size);
}

}  // namespace lxnet
