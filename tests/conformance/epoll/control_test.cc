// epoll_create*, epoll_ctl and epoll_wait used wrongly: which error comes first, and what was done before it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

constexpr int kNoDescriptor = 987;

Fd regular_file() {
  char name[] = "/tmp/lxnet-regular-XXXXXX";
  Fd file(::mkstemp(name));
  ::unlink(name);
  return file;
}

long raw_pwait(int set, epoll_event* events, int most, int timeout, const void* mask, size_t size) {
  return answer(::syscall(SYS_epoll_pwait, set, events, most, timeout, mask, size));
}
long raw_pwait2(int set, epoll_event* events, int most, const timespec* timeout, const void* mask, size_t size) {
  return answer(::syscall(SYS_epoll_pwait2, set, events, most, timeout, mask, size));
}

TEST(EpollCreateTest, ArgumentsAreChecked) {
  EXPECT_EQ(answer(::epoll_create(0)), -EINVAL);
  EXPECT_EQ(answer(::epoll_create(-1)), -EINVAL);
  const Fd old(::epoll_create(1));
  EXPECT_GE(old, 0);
  EXPECT_EQ(::fcntl(old, F_GETFD), 0);
  EXPECT_EQ(::fcntl(old, F_GETFL) & O_ACCMODE, O_RDWR);
  for (int flag : {1, O_NONBLOCK, EPOLL_CLOEXEC | 1, -1}) EXPECT_EQ(answer(::epoll_create1(flag)), -EINVAL);
  const Fd closing(::epoll_create1(EPOLL_CLOEXEC));
  EXPECT_EQ(::fcntl(closing, F_GETFD), FD_CLOEXEC);
}

TEST(EpollCreateTest, AFullTableIsEmfile) {
  rlimit old;
  ::getrlimit(RLIMIT_NOFILE, &old);
  const Fd next(::dup(0));
  rlimit tight = old;
  tight.rlim_cur = static_cast<rlim_t>(next.get());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  EXPECT_EQ(answer(::epoll_create1(0)), -EMFILE);
  ::setrlimit(RLIMIT_NOFILE, &old);
}

struct ControlRow {
  const char* name;
  int set;  // which descriptor below
  int operation;
  int target;
  bool has_event;
  uint32_t events;
  int expected;
};
enum : int { kSet, kWatched, kFree, kRegular, kNone, kOuter, kExclusive };

constexpr uint32_t kExclusiveBad = EPOLLEXCLUSIVE | EPOLLIN | EPOLLPRI;
constexpr ControlRow kControlRows[] = {
    {"the event is read first of all", kNone, EPOLL_CTL_ADD, kNone, false, 0, EFAULT},
    {"for a change too", kNone, EPOLL_CTL_MOD, kNone, false, 0, EFAULT},
    {"for an operation that does not exist", kNone, 42, kNone, false, 0, EFAULT},
    {"but not to remove", kNone, EPOLL_CTL_DEL, kNone, false, 0, EBADF},
    {"a bad set", kNone, EPOLL_CTL_ADD, kFree, true, EPOLLIN, EBADF},
    {"a bad target", kSet, EPOLL_CTL_ADD, kNone, true, EPOLLIN, EBADF},
    {"a bad target before a set that is none", kFree, EPOLL_CTL_ADD, kNone, true, EPOLLIN, EBADF},
    {"a regular file", kSet, EPOLL_CTL_ADD, kRegular, true, EPOLLIN, EPERM},
    {"a regular file before a set that is none", kFree, EPOLL_CTL_ADD, kRegular, true, EPOLLIN, EPERM},
    {"a regular file for an operation that does not exist", kSet, 42, kRegular, true, EPOLLIN, EPERM},
    {"a regular file to remove", kSet, EPOLL_CTL_DEL, kRegular, true, 0, EPERM},
    {"a socket as the set", kFree, EPOLL_CTL_ADD, kWatched, true, EPOLLIN, EINVAL},
    {"a regular file as the set", kRegular, EPOLL_CTL_ADD, kWatched, true, EPOLLIN, EINVAL},
    {"a socket as the set and the target", kFree, EPOLL_CTL_ADD, kFree, true, EPOLLIN, EINVAL},
    {"itself", kSet, EPOLL_CTL_ADD, kSet, true, EPOLLIN, EINVAL},
    {"to remove itself", kSet, EPOLL_CTL_DEL, kSet, true, 0, EINVAL},
    {"an operation that does not exist", kSet, 42, kFree, true, EPOLLIN, EINVAL},
    {"operation zero", kSet, 0, kFree, true, EPOLLIN, EINVAL},
    {"a second time", kSet, EPOLL_CTL_ADD, kWatched, true, EPOLLIN, EEXIST},
    {"to change what is not there", kSet, EPOLL_CTL_MOD, kFree, true, EPOLLIN, ENOENT},
    {"to remove what is not there", kSet, EPOLL_CTL_DEL, kFree, false, 0, ENOENT},
    {"a cycle", kSet, EPOLL_CTL_ADD, kOuter, true, EPOLLIN, ELOOP},
    {"exclusive on a change", kSet, EPOLL_CTL_MOD, kWatched, true, EPOLLIN | EPOLLEXCLUSIVE, EINVAL},
    {"exclusive on a change of what is not there", kSet, EPOLL_CTL_MOD, kFree, true, EPOLLIN | EPOLLEXCLUSIVE, EINVAL},
    {"exclusive on a set", kOuter, EPOLL_CTL_ADD, kSet, true, EPOLLIN | EPOLLEXCLUSIVE, EINVAL},
    {"exclusive before the cycle", kSet, EPOLL_CTL_ADD, kOuter, true, EPOLLIN | EPOLLEXCLUSIVE, EINVAL},
    {"exclusive with urgent data", kSet, EPOLL_CTL_ADD, kFree, true, kExclusiveBad, EINVAL},
    {"exclusive with urgent data before existing", kSet, EPOLL_CTL_ADD, kWatched, true, kExclusiveBad, EINVAL},
    {"exclusive and once", kSet, EPOLL_CTL_ADD, kFree, true, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, EINVAL},
    {"exclusive with the peer's end", kSet, EPOLL_CTL_ADD, kFree, true, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, EINVAL},
    {"exclusive with an unknown bit", kSet, EPOLL_CTL_ADD, kFree, true, EPOLLIN | EPOLLEXCLUSIVE | 1u << 20, EINVAL},
    {"exclusive on a regular file", kSet, EPOLL_CTL_ADD, kRegular, true, EPOLLIN | EPOLLEXCLUSIVE, EPERM},
    {"exclusive is ignored by an operation that does not exist", kSet, 42, kFree, true, kExclusiveBad, EINVAL},
    {"a change of an exclusive entry", kSet, EPOLL_CTL_MOD, kExclusive, true, EPOLLIN, EINVAL},
};

TEST(EpollControlTest, TheFirstErrorOfEachWrongUse) {
  const Set set, outer;
  const LocalPair watched, exclusive, free;
  const Fd regular = regular_file();
  ASSERT_EQ(set.add(watched.b, EPOLLIN), 0);
  ASSERT_EQ(set.add(exclusive.b, EPOLLIN | EPOLLEXCLUSIVE), 0);
  ASSERT_EQ(outer.add(set, EPOLLIN), 0);
  const int descriptors[] = {set, watched.b, free.b, regular, kNoDescriptor, outer, exclusive.b};
  for (const ControlRow& row : kControlRows) {
    epoll_event event{};
    event.events = row.events;
    epoll_event* given = row.has_event ? &event : bad_pointer<epoll_event>();
    EXPECT_EQ(answer(::epoll_ctl(descriptors[row.set], row.operation, descriptors[row.target], given)), -row.expected)
        << row.name;
  }
  // None of it left anything behind.
  EXPECT_EQ(set.remove(free.b), -ENOENT);
  EXPECT_EQ(set.remove(watched.b), 0);
  EXPECT_EQ(set.remove(exclusive.b), 0);
}

TEST(EpollControlTest, WhatExclusiveMayBeCombinedWith) {
  const Set set;
  for (uint32_t with : {0u, uint32_t{EPOLLIN}, uint32_t{EPOLLOUT}, uint32_t{EPOLLERR | EPOLLHUP}, uint32_t{EPOLLWAKEUP},
                        uint32_t{EPOLLET}, uint32_t{EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET}}) {
    const LocalPair pair;
    EXPECT_EQ(set.add(pair.b, with | EPOLLEXCLUSIVE), 0) << with;
  }
}

TEST(EpollControlTest, BitsThatMeanNothingAreTakenAndNeverTold) {
  const Set set;
  const LocalPair pair;
  ASSERT_EQ(set.add(pair.b, ~0u & ~EPOLLEXCLUSIVE & ~EPOLLET & ~EPOLLONESHOT), 0);
  EXPECT_EQ(set.wait_one(), EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
  ASSERT_EQ(set.modify(pair.b, EPOLLWAKEUP | EPOLLIN), 0);
  EXPECT_EQ(set.wait_one(), 0);
  ASSERT_EQ(set.modify(pair.b, EPOLLMSG | EPOLLRDBAND | EPOLLPRI), 0);
  EXPECT_EQ(set.wait_one(), 0);
}

TEST(EpollControlTest, AnEntryOfNoEventsStillTellsTheEnd) {
  const Set set;
  LocalPair pair;
  ASSERT_EQ(set.add(pair.b, 0), 0);
  pair.send();
  EXPECT_EQ(set.wait_one(), 0);
  pair.a.reset();
  EXPECT_EQ(set.wait_one(), EPOLLHUP);
}

TEST(EpollControlTest, AChangeReplacesEventsAndData) {
  const Set set;
  const LocalPair pair;
  ASSERT_EQ(set.add(pair.b, EPOLLIN, 1), 0);
  pair.send();
  EXPECT_EQ(set.order(1), "1");
  ASSERT_EQ(set.modify(pair.b, EPOLLOUT, 2), 0);
  EXPECT_EQ(set.order(1), "2");
  ASSERT_EQ(set.modify(pair.b, EPOLLPRI, 3), 0);
  EXPECT_EQ(set.order(1), "");
}

struct WaitRow {
  const char* name;
  int set;
  int most;
  bool has_room;
  int expected;
};
constexpr WaitRow kWaitRows[] = {
    {"no descriptor", kNone, 1, true, EBADF},
    {"no descriptor before no room", kNone, 0, false, EBADF},
    {"a socket", kFree, 1, true, EINVAL},
    {"a regular file", kRegular, 1, true, EINVAL},
    {"for none", kSet, 0, true, EINVAL},
    {"for fewer than none", kSet, -1, true, EINVAL},
    {"for too many", kSet, INT32_MAX / static_cast<int>(sizeof(epoll_event)) + 1, true, EINVAL},
    {"for none before a bad place", kSet, 0, false, EINVAL},
    {"a bad place", kSet, 1, false, EFAULT},
};

TEST(EpollWaitTest, TheFirstErrorOfEachWrongUse) {
  const Set set;
  const LocalPair ready;
  const Fd regular = regular_file();
  ASSERT_EQ(set.add(ready.b, EPOLLOUT), 0);
  const int descriptors[] = {set, -1, ready.b, regular, kNoDescriptor, -1, -1};
  for (const WaitRow& row : kWaitRows) {
    epoll_event event{};
    epoll_event* place = row.has_room ? &event : bad_pointer<epoll_event>();
    EXPECT_EQ(answer(::epoll_wait(descriptors[row.set], place, row.most, 0)), -row.expected) << row.name;
    EXPECT_EQ(raw_pwait2(descriptors[row.set], place, row.most, nullptr, nullptr, 0), -row.expected) << row.name;
  }
}

TEST(EpollWaitTest, APlaceInTheKernelIsRefusedThoughNothingIsReady) {
  const Set set;
  auto* kernel = reinterpret_cast<epoll_event*>(0xffff888000000000);
  EXPECT_EQ(raw_pwait(set, kernel, 1, 0, nullptr, 0), -EFAULT);
  EXPECT_EQ(answer(::epoll_wait(set, bad_pointer<epoll_event>(), 1, 0)), 0);
}

TEST(EpollWaitTest, MaskAndTimeoutAreReadBeforeTheSetIsLookedAt) {
  epoll_event event{};
  uint64_t mask = 0;
  EXPECT_EQ(raw_pwait(kNoDescriptor, &event, 1, 0, &mask, 4), -EINVAL);
  EXPECT_EQ(raw_pwait(kNoDescriptor, &event, 1, 0, bad_pointer<>(), 4), -EINVAL);
  EXPECT_EQ(raw_pwait(kNoDescriptor, &event, 1, 0, bad_pointer<>(), 8), -EFAULT);
  EXPECT_EQ(raw_pwait(kNoDescriptor, &event, 1, 0, &mask, 8), -EBADF);
  EXPECT_EQ(raw_pwait(kNoDescriptor, &event, 1, 0, nullptr, 4), -EBADF);
  EXPECT_EQ(raw_pwait2(kNoDescriptor, &event, 1, bad_pointer<timespec>(), &mask, 4), -EFAULT);
  for (const timespec wrong : {timespec{-1, 0}, timespec{0, -1}, timespec{0, 1'000'000'000}}) {
    EXPECT_EQ(raw_pwait2(kNoDescriptor, &event, 1, &wrong, &mask, 4), -EINVAL);
    EXPECT_EQ(raw_pwait2(kNoDescriptor, &event, 1, &wrong, &mask, 8), -EINVAL);
  }
  const timespec none{};
  EXPECT_EQ(raw_pwait2(kNoDescriptor, &event, 1, &none, bad_pointer<>(), 8), -EFAULT);
  const Set set;
  EXPECT_EQ(raw_pwait2(set, &event, 1, &none, &mask, 8), 0);
}

TEST(EpollWaitTest, TimeoutsOfEachKindEnd) {
  const Set set;
  epoll_event event{};
  const timespec tiny{0, 1}, longest{INT64_MAX, 999'999'999};
  EXPECT_EQ(raw_pwait2(set, &event, 1, &tiny, nullptr, 0), 0);
  const LocalPair pair;
  ASSERT_EQ(set.add(pair.b, EPOLLOUT), 0);
  EXPECT_EQ(raw_pwait2(set, &event, 1, &longest, nullptr, 0), 1);
  EXPECT_EQ(raw_pwait(set, &event, 1, INT32_MAX, nullptr, 0), 1);
  EXPECT_EQ(raw_pwait(set, &event, 1, INT32_MIN, nullptr, 0), 1);
}

TEST(EpollWaitTest, NoTimeoutIsShort) {
  const Set set;
  epoll_event event{};
  for (const long nanos : {1L, 999L, 70'000L, 1'000'001L, 3'141'592L}) {
    const timespec timeout{0, nanos};
    timespec before, after;
    ::clock_gettime(CLOCK_MONOTONIC, &before);
    EXPECT_EQ(raw_pwait2(set, &event, 1, &timeout, nullptr, 0), 0);
    ::clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_GE((after.tv_sec - before.tv_sec) * 1'000'000'000 + after.tv_nsec - before.tv_nsec, nanos);
  }
}

// ---- the user's array

class EpollArrayTest : public testing::Test {
 protected:
  void SetUp() override {
    memory_ = static_cast<uint8_t*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(memory_ + 4096, 4096, PROT_NONE);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(set_.add(pairs_[i].b, EPOLLOUT, static_cast<uint64_t>(i + 1)), 0);
  }
  void TearDown() override { ::munmap(memory_, 8192); }
  // Where `room` bytes are left before the forbidden page.
  epoll_event* place(size_t room) const { return reinterpret_cast<epoll_event*>(memory_ + 4096 - room); }
  uint32_t word_at(size_t room) const {
    uint32_t word;
    std::memcpy(&word, memory_ + 4096 - room, sizeof word);
    return word;
  }

  Set set_;
  LocalPair pairs_[3];
  uint8_t* memory_ = nullptr;
};

constexpr size_t kEvent = sizeof(epoll_event);

TEST_F(EpollArrayTest, WhatFitsIsToldAndTheRestComesFirstNextTime) {
  EXPECT_EQ(::epoll_wait(set_, place(kEvent), 3, 0), 1);
  EXPECT_EQ(set_.order(3), "231");
  EXPECT_EQ(::epoll_wait(set_, place(2 * kEvent + 3), 3, 0), 2);
  EXPECT_EQ(set_.order(3), "123");
}

TEST_F(EpollArrayTest, NoRoomAtAllIsAFaultAndLosesNothing) {
  EXPECT_EQ(answer(::epoll_wait(set_, place(0), 3, 0)), -EFAULT);
  EXPECT_EQ(set_.order(3), "123");
  // The bits are stored before the data.
  EXPECT_EQ(answer(::epoll_wait(set_, place(4), 3, 0)), -EFAULT);
  EXPECT_EQ(word_at(4), EPOLLOUT);
  EXPECT_EQ(set_.order(3), "123");
}

TEST_F(EpollArrayTest, AnEdgeIsNotLostByAFault) {
  ASSERT_EQ(set_.modify(pairs_[0].b, EPOLLOUT | EPOLLET, 1), 0);
  ASSERT_EQ(set_.modify(pairs_[1].b, EPOLLOUT | EPOLLONESHOT, 2), 0);
  EXPECT_EQ(answer(::epoll_wait(set_, place(0), 3, 0)), -EFAULT);
  EXPECT_EQ(set_.order(3), "123");
  EXPECT_EQ(set_.order(3), "3");
}

TEST_F(EpollArrayTest, AnUnalignedArrayWillDo) {
  for (size_t shift : {1u, 2u, 3u, 5u, 7u}) {
    auto* at = memory_ + 128 + shift;
    ASSERT_EQ(::epoll_wait(set_, reinterpret_cast<epoll_event*>(at), 3, 0), 3);
    for (uint64_t i = 0; i < 3; ++i) {
      epoll_event event;
      std::memcpy(&event, at + i * kEvent, kEvent);
      EXPECT_EQ(event.events, EPOLLOUT);
      EXPECT_EQ(event.data.u64, i + 1);
    }
    uint8_t raw[kEvent];
    epoll_event same{};
    same.events = EPOLLOUT;
    same.data.u64 = 1;
    std::memcpy(raw, &same, kEvent);
    std::memcpy(at, raw, kEvent);
    ASSERT_EQ(answer(::epoll_ctl(set_, EPOLL_CTL_MOD, pairs_[0].b, reinterpret_cast<epoll_event*>(at))), 0);
  }
}

TEST_F(EpollArrayTest, TheEventMayEndWhereMemoryEnds) {
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.u64 = 9;
  std::memcpy(place(kEvent), &event, kEvent);
  EXPECT_EQ(answer(::epoll_ctl(set_, EPOLL_CTL_MOD, pairs_[0].b, place(kEvent))), 0);
  EXPECT_EQ(answer(::epoll_ctl(set_, EPOLL_CTL_MOD, pairs_[0].b, place(kEvent - 1))), -EFAULT);
  EXPECT_EQ(set_.order(1), "9");
}

// ---- as a file

TEST(EpollFileTest, ASetIsNeitherReadNorWrittenNorASocket) {
  const Set set;
  char byte = 0;
  EXPECT_EQ(answer(::read(set, &byte, 1)), -EINVAL);
  EXPECT_EQ(answer(::write(set, &byte, 1)), -EINVAL);
  EXPECT_EQ(answer(::send(set, &byte, 1, 0)), -ENOTSOCK);
  int value;
  socklen_t size = sizeof value;
  EXPECT_EQ(answer(::getsockopt(set, SOL_SOCKET, SO_TYPE, &value, &size)), -ENOTSOCK);
  EXPECT_EQ(answer(::accept(set, nullptr, nullptr)), -ENOTSOCK);
  EXPECT_EQ(answer(::ioctl(set, FIONREAD, &value)), -EINVAL);
  EXPECT_EQ(answer(::ioctl(set, 0x8a7f, &value)), -EINVAL);
  EXPECT_EQ(poll_now(set, POLLIN | POLLOUT), 0);
}

TEST(EpollControlTest, ASetIsNeitherReadNorWrittenNorConnected) {
  const Set set;
  char byte = 0;
  const iovec one{&byte, 1}, none{&byte, 0};
  EXPECT_EQ(answer(::read(set, &byte, 1)), -EINVAL);
  EXPECT_EQ(answer(::read(set, bad_pointer<char>(), 1)), -EINVAL);
  EXPECT_EQ(answer(::write(set, &byte, 1)), -EINVAL);
  for (const iovec* vector : {&one, &none, static_cast<const iovec*>(bad_pointer<iovec>())}) {
    EXPECT_EQ(answer(::readv(set, vector, 1)), -EINVAL);
    EXPECT_EQ(answer(::writev(set, vector, 1)), -EINVAL);
  }
  EXPECT_EQ(answer(::readv(set, &one, 0)), -EINVAL);
  EXPECT_EQ(answer(::connect(set, bad_pointer<sockaddr>(), 16)), -EFAULT);
  const sockaddr_in name = loopback4(1);
  EXPECT_EQ(answer(::connect(set, reinterpret_cast<const sockaddr*>(&name), sizeof name)), -ENOTSOCK);
}

}  // namespace
}  // namespace conformance
