// Rings beside their sockets: files of the kernel's, registered files and buffers, eventfds, threads, processes, and the end.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>

#include "tests/conformance/uring/ring.hh"

namespace lxnet::uring_test {
namespace {

using Completions = std::vector<Completion>;

class Rings : public UringTest {
 protected:
  io_uring_sqe& receive(Ring& ring, int fd, uint64_t user_data) {
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, fd, user_data);
    entry.addr = address_of(got_);
    entry.len = sizeof got_;
    return entry;
  }
  static io_uring_sqe& send(Ring& ring, int fd, uint64_t user_data) {
    io_uring_sqe& entry = ring.next(IORING_OP_SEND, fd, user_data);
    entry.addr = address_of("abcd");
    entry.len = 4;
    return entry;
  }
  char got_[64] = {};
};

TEST_F(Rings, ServeFilesBesideSockets) {
  Ring ring;
  const Pair pair = connected();
  const int file = ::open("/dev/zero", O_RDONLY);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  receive(ring, pair.one, 1);
  io_uring_sqe& zero = ring.next(IORING_OP_READ, file, 2);
  zero.addr = address_of(got_);
  zero.len = 3;
  io_uring_sqe& pipe = ring.next(IORING_OP_READ, ends[0], 3);
  pipe.addr = address_of(got_ + 32);
  pipe.len = 8;
  pipe.off = UINT64_MAX;
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(ring.await(1), (Completions{{2, 3, 0}}));
  EXPECT_EQ(::write(ends[1], "pipe", 4), 4);
  EXPECT_EQ(ring.await(1), (Completions{{3, 4, 0}}));
  EXPECT_STREQ(got_ + 32, "pipe");
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(1), (Completions{{1, 1, 0}}));
}

TEST_F(Rings, TellAnEventfd) {
  Ring ring;
  const Pair pair = connected();
  const int event = ::eventfd(0, EFD_NONBLOCK);
  ASSERT_EQ(ring.change(IORING_REGISTER_EVENTFD, &event, 1), 0);
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  uint64_t count = 0;
  EXPECT_EQ(::read(event, &count, sizeof count), -1);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  pollfd entry = {.fd = event, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&entry, 1, 10000), 1);
  EXPECT_EQ(::read(event, &count, sizeof count), 8);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(ring.take(), (Completions{{1, 1, 0}}));
}

TEST_F(Rings, ArePolledForCompletions) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  pollfd entry = {.fd = ring.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(::poll(&entry, 1, 10000), 1);
  EXPECT_EQ(ring.take(), (Completions{{1, 1, 0}}));
}

// The kernel has the thread that handed them in complete such requests, wherever it waits meanwhile.
TEST_F(Rings, CompleteTheKernelsRequestsOfWhoWaitsElsewhere) {
  Ring ring;
  const Pair pair = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const __kernel_timespec soon = {.tv_sec = 0, .tv_nsec = 5'000'000};
  for (const bool is_pipe : {false, true}) {
    io_uring_sqe& entry = ring.next(is_pipe ? IORING_OP_READ : IORING_OP_TIMEOUT, is_pipe ? ends[0] : -1, 1);
    entry.addr = is_pipe ? address_of(got_) : address_of(&soon);
    entry.len = 1;
    entry.off = is_pipe ? UINT64_MAX : 0;
    EXPECT_EQ(ring.submit(), 1);
    std::thread later([is_pipe, &ends] {
      ::usleep(5000);
      if (is_pipe) {
        EXPECT_EQ(::write(ends[1], "x", 1), 1);
      }
    });
    Completions taken;
    pollfd entries[2] = {{.fd = ring.fd(), .events = POLLIN, .revents = 0}, {.fd = pair.one, .events = POLLIN, .revents = 0}};
    while ((taken = ring.take()).empty()) {
      const int ready = ::poll(entries, 2, 20000);
      if (ready == 0 || (ready < 0 && errno != EINTR)) break;
    }
    EXPECT_EQ(taken, (Completions{{1, is_pipe ? 1 : -ETIME, 0}}));
    later.join();
  }
}

TEST_F(Rings, WaitOnlyAsLongAsIsAsked) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  const __kernel_timespec soon = {.tv_sec = 0, .tv_nsec = 5'000'000};
  io_uring_getevents_arg argument = {};
  argument.ts = address_of(&soon);
  EXPECT_EQ(ring.enter(0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument), -ETIME);
  send(ring, pair.other, 2);
  EXPECT_EQ(ring.submit(2), 1);
  EXPECT_EQ(ring.take().size(), 2u);
}

TEST_F(Rings, KnowRegisteredSockets) {
  Ring ring;
  const Pair pair = connected();
  const int files[3] = {-1, pair.one, ring.fd() == 0 ? 1 : 0};
  ASSERT_EQ(ring.change(IORING_REGISTER_FILES, files, 3), 0);
  ::close(pair.one);
  send(ring, 1, 1).flags = IOSQE_FIXED_FILE;
  EXPECT_EQ(ring.run(), 4);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 4);
  send(ring, 0, 2).flags = IOSQE_FIXED_FILE;
  EXPECT_EQ(ring.run(), -EBADF);
  send(ring, 7, 2).flags = IOSQE_FIXED_FILE;
  EXPECT_EQ(ring.run(), -EBADF);
  receive(ring, 1, 3).flags = IOSQE_FIXED_FILE;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(1), (Completions{{3, 1, 0}}));
  const int other = connected().one;
  io_uring_files_update update = {.offset = 0, .resv = 0, .fds = address_of(&other)};
  EXPECT_EQ(ring.change(IORING_REGISTER_FILES_UPDATE, &update, 1), 1);
  send(ring, 0, 4).flags = IOSQE_FIXED_FILE;
  EXPECT_GT(ring.run(), -EBADF);
  EXPECT_EQ(ring.change(IORING_UNREGISTER_FILES, nullptr, 0), 0);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 0) << "the last copy was the registered one";
}

class Buffers {
 public:
  Buffers() { memory_ = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
  ~Buffers() { ::munmap(memory_, 4096); }
  int add_to(Ring& ring, uint16_t group) {
    io_uring_buf_reg registration = {};
    registration.ring_addr = address_of(memory_);
    registration.ring_entries = 8;
    registration.bgid = group;
    return ring.change(IORING_REGISTER_PBUF_RING, &registration, 1);
  }
  void provide(uint16_t id, void* to, uint32_t size) {
    auto* const ring = static_cast<io_uring_buf_ring*>(memory_);
    auto* const buffers = static_cast<io_uring_buf*>(memory_);
    io_uring_buf& buffer = buffers[tail_ & 7];
    buffer.addr = address_of(to);
    buffer.len = size;
    buffer.bid = id;
    std::atomic_ref(ring->tail).store(++tail_, std::memory_order_release);
  }

 private:
  void* memory_;
  uint16_t tail_ = 0;
};

TEST_F(Rings, ChooseAmongProvidedBuffers) {
  Ring ring;
  const Pair pair = connected();
  Buffers buffers;
  ASSERT_EQ(buffers.add_to(ring, 5), 0);
  char first[4] = {}, second[4] = {};
  const auto choose = [&](uint64_t user_data, unsigned size) {
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.one, user_data);
    entry.flags = IOSQE_BUFFER_SELECT;
    entry.buf_group = 5;
    entry.len = size;
    EXPECT_EQ(ring.submit(), 1);
  };
  choose(1, 0);
  EXPECT_EQ(::send(pair.other, "0", 1, MSG_DONTWAIT), 1);
  EXPECT_EQ(ring.await(1), (Completions{{1, -ENOBUFS, 0}}));
  buffers.provide(11, first, 4);
  buffers.provide(22, second, 4);
  choose(2, 0);
  EXPECT_EQ(ring.await(1), (Completions{{2, 1, IORING_CQE_F_BUFFER | 11u << 16}}));
  EXPECT_EQ(first[0], '0');
  choose(3, 2);
  EXPECT_EQ(::send(pair.other, "abc", 3, 0), 3);
  EXPECT_EQ(ring.await(1), (Completions{{3, 2, IORING_CQE_F_SOCK_NONEMPTY | IORING_CQE_F_BUFFER | 22u << 16}}));
  EXPECT_EQ(std::string(second, 2), "ab");
}

TEST_F(Rings, ReceiveAgainAndAgainIntoProvidedBuffers) {
  Ring ring;
  const Pair pair = connected();
  Buffers buffers;
  ASSERT_EQ(buffers.add_to(ring, 1), 0);
  char memory[2][4] = {};
  for (uint16_t i = 0; i < 2; i++) buffers.provide(i, memory[i], 4);
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.one, 9);
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = 1;
  entry.ioprio = IORING_RECV_MULTISHOT;
  EXPECT_EQ(ring.submit(), 1);
  for (uint32_t i = 0; i < 2; i++) {
    EXPECT_EQ(::send(pair.other, "ab", 2, 0), 2);
    EXPECT_EQ(ring.await(1), (Completions{{9, 2, IORING_CQE_F_MORE | IORING_CQE_F_BUFFER | i << 16}}));
    EXPECT_EQ(std::string(memory[i], 2), "ab");
  }
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::send(pair.other, "ab", 2, 0), 2);
  EXPECT_EQ(ring.await(1), (Completions{{9, -ENOBUFS, 0}}));
  buffers.provide(5, memory[0], 4);
  io_uring_sqe& again = ring.next(IORING_OP_RECV, pair.one, 9);
  again.flags = IOSQE_BUFFER_SELECT;
  again.buf_group = 1;
  again.ioprio = IORING_RECV_MULTISHOT;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(ring.await(1), (Completions{{9, 2, IORING_CQE_F_MORE | IORING_CQE_F_BUFFER | 5u << 16}}));
  buffers.provide(6, memory[0], 4);
  ::shutdown(pair.other, SHUT_WR);
  EXPECT_EQ(ring.await(1), (Completions{{9, 0, IORING_CQE_F_SOCK_NONEMPTY}}));
}

TEST_F(Rings, ReceiveMessagesAgainAndAgain) {
  Ring ring;
  const Pair pair = datagrams();
  Buffers buffers;
  ASSERT_EQ(buffers.add_to(ring, 2), 0);
  alignas(8) char memory[2][64] = {};
  for (uint16_t i = 0; i < 2; i++) buffers.provide(i, memory[i], sizeof memory[i]);
  msghdr header = {};
  header.msg_namelen = sizeof(sockaddr_in);
  header.msg_controllen = 8;
  io_uring_sqe& entry = ring.next(IORING_OP_RECVMSG, pair.one, 9);
  entry.addr = address_of(&header);
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = 2;
  entry.ioprio = IORING_RECV_MULTISHOT;
  EXPECT_EQ(ring.submit(), 1);
  constexpr unsigned kHead = sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_in) + 8, kRoom = 64 - kHead;
  const std::string texts[2] = {"small", std::string(kRoom + 9, 'x')};
  for (uint32_t i = 0; i < 2; i++) {
    EXPECT_EQ(::send(pair.other, texts[i].data(), texts[i].size(), 0), static_cast<ssize_t>(texts[i].size()));
    const unsigned size = std::min<unsigned>(kRoom, static_cast<unsigned>(texts[i].size()));
    const auto result = static_cast<int32_t>(kHead + size);
    const Completion got = {9, result, IORING_CQE_F_MORE | IORING_CQE_F_BUFFER | i << 16};
    // Of datagrams it is not known whether there are more: it is tried at once, without a buffer.
    const Completions expected = i == 0 ? Completions{got} : Completions{got, {9, -ENOBUFS, 0}};
    EXPECT_EQ(ring.await(expected.size()), expected);
    io_uring_recvmsg_out out;
    sockaddr_in from;
    memcpy(&out, memory[i], sizeof out);
    memcpy(&from, memory[i] + sizeof out, sizeof from);
    EXPECT_EQ(out.namelen, sizeof from);
    EXPECT_EQ(out.controllen, 0u);
    EXPECT_EQ(out.payloadlen, size);
    EXPECT_EQ(out.flags, i == 0 ? 0u : unsigned{MSG_TRUNC});
    EXPECT_EQ(from.sin_family, AF_INET);
    EXPECT_EQ(std::string(memory[i] + kHead, size), texts[i].substr(0, size));
  }
}

TEST_F(Rings, TakeBuffersProvidedOneByOne) {
  Ring ring;
  const Pair pair = connected();
  char memory[3][4] = {};
  const auto provide = [&](int count, uint64_t first) {
    io_uring_sqe& entry = ring.next(IORING_OP_PROVIDE_BUFFERS, count, 1);
    entry.addr = address_of(memory[first]);
    entry.len = 4;
    entry.off = first;
    entry.buf_group = 7;
    return ring.run();
  };
  const auto withdraw = [&](int count) {
    ring.next(IORING_OP_REMOVE_BUFFERS, count, 1).buf_group = 7;
    return ring.run();
  };
  const auto choose = [&] {
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.one, 2);
    entry.flags = IOSQE_BUFFER_SELECT;
    entry.buf_group = 7;
    entry.len = 4;
    EXPECT_EQ(ring.submit(1), 1);
    return ring.await(1);
  };
  EXPECT_EQ(provide(2, 0), 0);
  for (uint32_t i = 0; i < 2; i++) {
    EXPECT_EQ(::send(pair.other, "ab", 2, 0), 2);
    EXPECT_EQ(choose(), (Completions{{2, 2, IORING_CQE_F_BUFFER | i << 16}}));
    EXPECT_EQ(std::string(memory[i], 2), "ab");
  }
  EXPECT_EQ(::send(pair.other, "ab", 2, 0), 2);
  EXPECT_EQ(choose(), (Completions{{2, -ENOBUFS, 0}}));
  EXPECT_EQ(provide(3, 0), 0);
  EXPECT_EQ(withdraw(2), 2);
  EXPECT_EQ(choose(), (Completions{{2, 2, IORING_CQE_F_BUFFER | 2u << 16}}));
  EXPECT_EQ(withdraw(2), 0);
}

TEST_F(Rings, TakeAnEntryAgainThatNobodyHasWritten) {
  Ring ring(1);
  const Pair pair = connected();
  send(ring, pair.one, 1);
  EXPECT_EQ(ring.run(), 4);
  const io_uring_params& parameters = ring.parameters();
  for (int i = 0; i < 3; i++) {
    std::atomic_ref(ring.word(parameters.sq_off.tail))++;
    EXPECT_EQ(ring.enter(1, 1, IORING_ENTER_GETEVENTS), 1);
    EXPECT_EQ(ring.take(), (Completions{{1, 4, 0}}));
  }
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 16);
}

TEST_F(Rings, TakeOnlyWhatIsHandedIn) {
  Ring ring;
  const Pair pair = connected();
  for (uint64_t i = 0; i < 3; i++) send(ring, pair.one, i);
  std::atomic_ref(ring.word(ring.parameters().sq_off.tail)) += 3;
  EXPECT_EQ(ring.enter(1, 1, IORING_ENTER_GETEVENTS), 1);
  EXPECT_EQ(ring.take(), (Completions{{0, 4, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), 4);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), -1);
  EXPECT_EQ(ring.enter(9, 2, IORING_ENTER_GETEVENTS), 2);
  EXPECT_EQ(ring.take(), (Completions{{1, 4, 0}, {2, 4, 0}}));
}

TEST_F(Rings, StopAtAnEntryThatIsNotValid) {
  for (const uint32_t flags : {0u, unsigned{IORING_SETUP_SUBMIT_ALL}}) {
    Ring ring(8, flags);
    if (ring.fd() < 0) continue;
    const Pair pair = connected();
    send(ring, pair.one, 1);
    send(ring, pair.one, 2).ioprio = 0x4000;
    send(ring, pair.one, 3);
    const bool submits_all = flags != 0;
    EXPECT_EQ(ring.submit(), submits_all ? 3 : 2);
    if (!submits_all) {
      EXPECT_EQ(ring.enter(1, 1, IORING_ENTER_GETEVENTS), 1);
    }
    EXPECT_EQ(ring.await(3), (Completions{{1, 4, 0}, {2, -EINVAL, 0}, {3, 4, 0}}));
    EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 8);
  }
}

TEST_F(Rings, DropWhatHasNoEntry) {
  Ring ring(4);
  const Pair pair = connected();
  send(ring, pair.one, 1);
  send(ring, pair.one, 2);
  ring.word(ring.parameters().sq_off.array + 4) = 4000;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(ring.await(1), (Completions{{1, 4, 0}}));
  EXPECT_EQ(ring.word(ring.parameters().sq_off.dropped), 1u);
}

TEST_F(Rings, ServeTheirThreads) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  std::thread other([&] { EXPECT_EQ(ring.await(1), (Completions{{1, 2, 0}})); });
  EXPECT_EQ(::send(pair.other, "to", 2, 0), 2);
  other.join();
  std::thread third([&] {
    send(ring, pair.one, 2);
    EXPECT_EQ(ring.submit(1), 1);
  });
  third.join();
  EXPECT_EQ(ring.take(), (Completions{{2, 4, 0}}));
}

TEST_F(Rings, CancelWhatAThreadLeavesBehind) {
  Ring ring;
  const Pair pair = connected();
  std::thread other([&] {
    receive(ring, pair.one, 1);
    EXPECT_EQ(ring.submit(), 1);
  });
  other.join();
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(1), (Completions{{1, -ECANCELED, 0}}));
  EXPECT_EQ(::recv(pair.one, got_, sizeof got_, 0), 1);
}

TEST_F(Rings, EndWithTheirRequests) {
  const Pair pair = connected();
  {
    Ring ring;
    receive(ring, pair.one, 1);
    EXPECT_EQ(ring.submit(), 1);
  }
  ::close(pair.one);
  // Nothing holds it any more.
  char got;
  EXPECT_EQ(::recv(pair.other, &got, 1, 0), 0);
}

TEST_F(Rings, EndWithTheirProcess) {
  const Pair pair = connected();
  const pid_t child = ::fork();
  if (child == 0) {
    Ring ring;
    receive(ring, pair.one, 1);
    ring.next(IORING_OP_POLL_ADD, pair.one, 2).poll32_events = POLLIN;
    ::_exit(ring.submit() == 2 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(::recv(pair.one, got_, sizeof got_, 0), 1);
}

TEST_F(Rings, AreSharedWithChildren) {
  Ring ring;
  const Pair pair = connected();
  const pid_t child = ::fork();
  if (child == 0) {
    send(ring, pair.one, 5);
    ::_exit(ring.submit() == 1 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ring.await(1), (Completions{{5, 4, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 4);
}

TEST_F(Rings, OfOneIssuerRunTheirWorkWhenAsked) {
  Ring ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (ring.fd() < 0) GTEST_SKIP() << "older than such rings";
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  send(ring, pair.other, 2);
  EXPECT_EQ(ring.submit(), 2);
  std::vector<Completion> taken = ring.await(2);
  std::sort(taken.begin(), taken.end(), [](const auto& one, const auto& other) { return one.user_data < other.user_data; });
  EXPECT_EQ(taken, (Completions{{1, 4, 0}, {2, 4, 0}}));
}

TEST_F(Rings, DoNothingUntilTheyAreEnabled) {
  Ring ring(8, IORING_SETUP_R_DISABLED);
  const Pair pair = connected();
  send(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), -EBADFD);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), -1);
  EXPECT_EQ(ring.change(IORING_REGISTER_ENABLE_RINGS, nullptr, 0), 0);
  EXPECT_EQ(ring.enter(1, 1, IORING_ENTER_GETEVENTS), 1);
  EXPECT_EQ(ring.take(), (Completions{{1, 4, 0}}));
}

TEST_F(Rings, SendWhatTheKernelHasRead) {
  Ring ring;
  const Pair pair = connected();
  constexpr unsigned kRequests = 200;
  for (unsigned round = 0; round < kRequests; round++) {
    io_uring_sqe& nop = ring.next(IORING_OP_NOP, -1, 1);
    nop.flags = round % 2 == 0 ? 0 : IOSQE_CQE_SKIP_SUCCESS;
    send(ring, pair.one, 2);
    receive(ring, pair.other, 3).len = 4;
    EXPECT_EQ(ring.submit(2), 3);
    const size_t expected = round % 2 == 0 ? 3 : 2;
    ASSERT_EQ(ring.await(expected).size(), expected) << round;
  }
}

}  // namespace
}  // namespace lxnet::uring_test
