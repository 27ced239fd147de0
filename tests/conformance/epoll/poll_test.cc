// poll, ppoll, select and pselect6 used wrongly and at their limits.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <vector>

#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

long raw_ppoll(pollfd* entries, size_t count, timespec* timeout, const void* mask, size_t size) {
  return answer(::syscall(SYS_ppoll, entries, count, timeout, mask, size));
}
struct MaskArgument {
  const void* mask;
  size_t size;
};
long raw_pselect(int count, fd_set* in, timespec* timeout, const MaskArgument* mask) {
  return answer(::syscall(SYS_pselect6, count, in, nullptr, nullptr, timeout, mask));
}

TEST(PollTest, EachEntryHasItsOwnAnswer) {
  const LocalPair pair, silent;
  const Fd file(::open("/proc/self/exe", O_RDONLY));
  const Pipe pipe;
  pair.send();
  pollfd entries[] = {{pair.b, POLLIN | POLLOUT, 0x7777},
                      {-1, POLLIN, 0x7777},
                      {987, POLLIN, 0x7777},
                      {silent.b, POLLIN, 0x7777},
                      {file, POLLIN | POLLOUT, 0},
                      {pipe.read_end, POLLIN, 0x7777},
                      {987, 0, 0x7777},
                      {pair.b, 0, 0x7777}};
  EXPECT_EQ(::poll(entries, 8, -1), 4);
  const short expected[] = {POLLIN | POLLOUT, 0, POLLNVAL, 0, POLLIN | POLLOUT, 0, POLLNVAL, 0};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(entries[i].revents, expected[i]) << i;
}

TEST(PollTest, AFileThatIsAlwaysReadyIsSoForWhatIsAsked) {
  const Fd file(::open("/proc/self/exe", O_RDONLY));
  const LocalPair pair;
  pollfd entries[] = {{file, POLLRDNORM | POLLWRNORM | POLLPRI | POLLRDBAND, 0}, {pair.b, POLLIN, 0}};
  EXPECT_EQ(::poll(entries, 2, 0), 1);
  EXPECT_EQ(entries[0].revents, POLLRDNORM | POLLWRNORM);
}

TEST(PollTest, NoMoreEntriesThanDescriptorsAreAllowed) {
  rlimit old;
  ::getrlimit(RLIMIT_NOFILE, &old);
  rlimit tight = old;
  tight.rlim_cur = 20;
  const LocalPair pair;
  std::vector<pollfd> entries(21, pollfd{pair.b, POLLOUT, 0});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const long at_limit = answer(::poll(entries.data(), 20, 0)), beyond = answer(::poll(entries.data(), 21, 0));
  const long beyond_and_bad = answer(::poll(bad_pointer<pollfd>(), 21, 0));
  ::setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_EQ(at_limit, 20);
  EXPECT_EQ(beyond, -EINVAL);
  EXPECT_EQ(beyond_and_bad, -EINVAL);
  EXPECT_EQ(answer(::poll(bad_pointer<pollfd>(), 1, 0)), -EFAULT);
  EXPECT_EQ(answer(::poll(bad_pointer<pollfd>(), 0, 0)), 0);
}

TEST(PollTest, PpollReadsTimeoutThenMaskThenEntries) {
  uint64_t mask = 0;
  timespec good{0, 0}, bad{0, 1'000'000'000}, negative{-1, 0};
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, bad_pointer<timespec>(), &mask, 4), -EFAULT);
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &bad, &mask, 4), -EINVAL);
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &negative, &mask, 8), -EINVAL);
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &good, &mask, 4), -EINVAL);
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &good, bad_pointer<>(), 8), -EFAULT);
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &good, &mask, 8), -EFAULT);
}

TEST(PollTest, PpollStoresTheTimeThatIsLeft) {
  const LocalPair pair;
  pollfd entry{pair.b, POLLOUT, 0};
  timespec timeout{100, 0};
  EXPECT_EQ(raw_ppoll(&entry, 1, &timeout, nullptr, 0), 1);
  EXPECT_TRUE(timeout.tv_sec >= 90 && timeout.tv_sec < 100) << timeout.tv_sec;
  entry.events = POLLIN;
  timeout = {0, 1'000'000};
  EXPECT_EQ(raw_ppoll(&entry, 1, &timeout, nullptr, 0), 0);
  EXPECT_EQ(timeout.tv_sec, 0);
  EXPECT_EQ(timeout.tv_nsec, 0);
}

TEST(PollTest, PpollStoresItBesideAnError) {
  const LocalPair pair;
  timespec timeout{100, 0};
  EXPECT_EQ(raw_ppoll(bad_pointer<pollfd>(), 1, &timeout, nullptr, 0), -EFAULT);
  EXPECT_LT(timeout.tv_sec, 100);
}

TEST(SelectTest, ACountBelowZeroIsRefusedAndTheRestIsRead) {
  const LocalPair pair;
  fd_set sets;
  FD_ZERO(&sets);
  timeval none{};
  EXPECT_EQ(answer(::syscall(SYS_select, -1, &sets, nullptr, nullptr, &none)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_select, -1, &sets, nullptr, nullptr, bad_pointer<timeval>())), -EFAULT);
  EXPECT_EQ(answer(::syscall(SYS_select, 64, bad_pointer<fd_set>(), nullptr, nullptr, &none)), -EFAULT);
  EXPECT_EQ(answer(::syscall(SYS_select, 0, bad_pointer<fd_set>(), nullptr, nullptr, &none)), 0);
}

TEST(SelectTest, MicrosecondsMayExceedASecondAndMayNotBeNegative) {
  fd_set sets;
  FD_ZERO(&sets);
  const LocalPair pair;
  FD_SET(pair.b, &sets);
  timeval many{0, 5'000'000}, negative{0, -1}, past{-1, 0}, wrapped{INT64_MAX, 5'000'000};
  EXPECT_EQ(answer(::syscall(SYS_select, pair.b + 1, nullptr, &sets, nullptr, &many)), 1);
  EXPECT_EQ(many.tv_sec, 4);
  EXPECT_EQ(answer(::syscall(SYS_select, pair.b + 1, nullptr, &sets, nullptr, &negative)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_select, pair.b + 1, nullptr, &sets, nullptr, &past)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_select, pair.b + 1, nullptr, &sets, nullptr, &wrapped)), -EINVAL);
}

TEST(SelectTest, ABitOfAClosedDescriptorIsAnErrorAndChangesNothing) {
  const LocalPair pair;
  fd_set sets;
  FD_ZERO(&sets);
  FD_SET(pair.b, &sets);
  int closed;
  {
    const Fd gone(::dup(0));
    closed = gone;
  }
  FD_SET(closed, &sets);
  const fd_set before = sets;
  timeval timeout{100, 0};
  EXPECT_EQ(answer(::select(FD_SETSIZE, &sets, nullptr, nullptr, &timeout)), -EBADF);
  EXPECT_EQ(std::memcmp(&sets, &before, sizeof sets), 0);
  EXPECT_LT(timeout.tv_sec, 100);
}

TEST(SelectTest, BitsCountOncePerSetAndOthersAreCleared) {
  const LocalPair pair, silent;
  const Pipe pipe;
  pair.send();
  fd_set in, out, exceptional;
  for (fd_set* set : {&in, &out, &exceptional}) {
    FD_ZERO(set);
    FD_SET(pair.b, set);
    FD_SET(silent.b, set);
    FD_SET(pipe.read_end, set);
  }
  timeval none{};
  EXPECT_EQ(::select(FD_SETSIZE, &in, &out, &exceptional, &none), 3);
  EXPECT_TRUE(FD_ISSET(pair.b, &in));
  EXPECT_FALSE(FD_ISSET(silent.b, &in));
  EXPECT_FALSE(FD_ISSET(pipe.read_end, &in));
  EXPECT_TRUE(FD_ISSET(pair.b, &out));
  EXPECT_TRUE(FD_ISSET(silent.b, &out));
  EXPECT_FALSE(FD_ISSET(pair.b, &exceptional));
}

TEST(SelectTest, PselectReadsItsMaskFirst) {
  const LocalPair pair;
  uint64_t bits = 0;
  fd_set sets;
  FD_ZERO(&sets);
  timespec bad{0, -1}, good{};
  const MaskArgument short_mask{&bits, 4}, no_mask{nullptr, 4}, lost{bad_pointer<>(), 8};
  EXPECT_EQ(raw_pselect(-1, &sets, bad_pointer<timespec>(), bad_pointer<MaskArgument>()), -EFAULT);
  EXPECT_EQ(raw_pselect(-1, &sets, &bad, &short_mask), -EINVAL);
  EXPECT_EQ(raw_pselect(0, &sets, &good, &short_mask), -EINVAL);
  EXPECT_EQ(raw_pselect(0, &sets, &good, &no_mask), 0);
  EXPECT_EQ(raw_pselect(0, &sets, &good, &lost), -EFAULT);
}

TEST(SelectTest, ASetOfSetsIsReadable) {
  const LocalPair pair;
  const Set set;
  ASSERT_EQ(set.add(pair.b, EPOLLIN), 0);
  fd_set in, out;
  const auto select_now = [&] {
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(set, &in);
    FD_SET(set, &out);
    timeval none{};
    return ::select(FD_SETSIZE, &in, &out, nullptr, &none);
  };
  EXPECT_EQ(select_now(), 0);
  pair.send();
  EXPECT_EQ(select_now(), 1);
  EXPECT_TRUE(FD_ISSET(set, &in));
}

// ---- timeouts that stay as they were

class StickyTimeouts {
 public:
  StickyTimeouts() : old_(::personality(0xffffffff)) { ::personality(static_cast<unsigned long>(old_) | STICKY_TIMEOUTS); }
  ~StickyTimeouts() { ::personality(static_cast<unsigned long>(old_)); }

 private:
  int old_;
};

TEST(StickyTimeoutsTest, NothingIsStored) {
  const StickyTimeouts sticky;
  const LocalPair pair;
  fd_set sets;
  FD_ZERO(&sets);
  FD_SET(pair.b, &sets);
  timeval unnormal{0, 5'000'000};
  EXPECT_EQ(answer(::syscall(SYS_select, pair.b + 1, nullptr, &sets, nullptr, &unnormal)), 1);
  EXPECT_EQ(unnormal.tv_sec, 0);
  EXPECT_EQ(unnormal.tv_usec, 5'000'000);
  pollfd entry{pair.b, POLLIN, 0};
  timespec timeout{0, 2'000'000};
  EXPECT_EQ(raw_ppoll(&entry, 1, &timeout, nullptr, 0), 0);
  EXPECT_EQ(timeout.tv_nsec, 2'000'000);
  EXPECT_EQ(raw_pselect(pair.b + 1, &sets, &timeout, nullptr), 0);
  EXPECT_EQ(timeout.tv_nsec, 2'000'000);
}

void ignore_signal(int) {}

// Nothing was stored to go on with, so that no handler's SA_RESTART and no ignored signal starts it again.
TEST(StickyTimeoutsTest, AnInterruptedCallIsNotRestarted) {
  const LocalPair pair;
  struct sigaction action {};
  action.sa_handler = ignore_signal;
  action.sa_flags = SA_RESTART;
  struct sigaction old {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, &old), 0);
  const StickyTimeouts sticky;
  const itimerval soon{{0, 0}, {0, 20'000}};
  pollfd entry{pair.b, POLLIN, 0};
  timespec timeout{20, 0};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
  EXPECT_EQ(raw_ppoll(&entry, 1, &timeout, nullptr, 0), -EINTR);
  EXPECT_EQ(timeout.tv_sec, 20);
  ::sigaction(SIGALRM, &old, nullptr);
}

// ---- the descriptor table's size

int places_in_table() {
  int size = 0;
  FILE* file = ::fopen("/proc/self/status", "r");
  for (char line[256]; file != nullptr && ::fgets(line, sizeof line, file) != nullptr;) ::sscanf(line, "FDSize: %d", &size);
  if (file != nullptr) ::fclose(file);
  return size;
}

TEST(SelectTest, BitsBeyondTheDescriptorTableAreNotLookedAt) {
  const LocalPair pair;
  const int places = places_in_table();
  ASSERT_GT(places, 0);
  const auto size = static_cast<size_t>(places) + 1024;
  std::vector<uint64_t> bits(size / 64);
  const auto set_bit = [&](size_t fd) { bits[fd / 64] |= uint64_t{1} << fd % 64; };
  timeval none{};
  set_bit(static_cast<size_t>(places));
  set_bit(static_cast<size_t>(places) + 700);
  set_bit(static_cast<size_t>(pair.b));
  EXPECT_EQ(answer(::syscall(SYS_select, size, nullptr, bits.data(), nullptr, &none)), 1);
  // They are not written back either.
  EXPECT_EQ(bits[static_cast<size_t>(places) / 64] & 1, 1u);
  EXPECT_EQ(answer(::syscall(SYS_select, size, bits.data(), nullptr, nullptr, &none)), 0);
  set_bit(static_cast<size_t>(places) - 1);
  EXPECT_EQ(answer(::syscall(SYS_select, size, bits.data(), nullptr, nullptr, &none)), -EBADF);
}

}  // namespace
}  // namespace conformance
