// Requests that hang together: links, their timeouts, draining, cancelling.
#include <errno.h>
#include <poll.h>

#include <string>

#include "tests/conformance/uring/ring.hh"

namespace lxnet::uring_test {
namespace {

class Chain : public UringTest {
 protected:
  io_uring_sqe& receive(Ring& ring, int fd, uint64_t user_data, uint8_t flags = 0) {
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, fd, user_data);
    entry.addr = address_of(got_);
    entry.len = sizeof got_;
    entry.flags = flags;
    return entry;
  }
  io_uring_sqe& send(Ring& ring, int fd, uint64_t user_data, uint8_t flags = 0) {
    io_uring_sqe& entry = ring.next(IORING_OP_SEND, fd, user_data);
    entry.addr = address_of("abcd");
    entry.len = 4;
    entry.flags = flags;
    return entry;
  }
  static io_uring_sqe& timeout(Ring& ring, const __kernel_timespec& time, uint64_t user_data, uint8_t flags = 0) {
    io_uring_sqe& entry = ring.next(IORING_OP_LINK_TIMEOUT, -1, user_data);
    entry.addr = address_of(&time);
    entry.len = 1;
    entry.flags = flags;
    return entry;
  }
  static std::vector<Completion> sorted(std::vector<Completion> taken) {
    std::sort(taken.begin(), taken.end(), [](const auto& one, const auto& other) { return one.user_data < other.user_data; });
    return taken;
  }

  char got_[64] = {};
};

using Completions = std::vector<Completion>;

TEST_F(Chain, GoesOnWhenTheFirstHasSucceeded) {
  Ring ring;
  const Pair pair = connected();
  send(ring, pair.one, 1, IOSQE_IO_LINK);
  receive(ring, pair.other, 2, IOSQE_IO_LINK);
  ring.next(IORING_OP_SHUTDOWN, pair.one, 3).len = SHUT_WR;
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(ring.await(3), (Completions{{1, 4, 0}, {2, 4, 0}, {3, 0, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, 1, 0), 0);
}

TEST_F(Chain, WaitsWithTheSecondUntilTheFirstIsDone) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1, IOSQE_IO_LINK);
  send(ring, pair.one, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), -1);
  EXPECT_EQ(::send(pair.other, "xy", 2, 0), 2);
  EXPECT_EQ(ring.await(2), (Completions{{1, 2, 0}, {2, 4, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 4);
}

TEST_F(Chain, EndsWithAFailure) {
  Ring ring;
  const Pair pair = connected();
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  send(ring, fresh, 1, IOSQE_IO_LINK);
  send(ring, pair.one, 2, IOSQE_IO_LINK);
  ring.next(IORING_OP_NOP, -1, 3);
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(ring.await(3), (Completions{{1, -EPIPE, 0}, {2, -ECANCELED, 0}, {3, -ECANCELED, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), -1);
}

TEST_F(Chain, OfHardLinksGoesOnAfterAFailure) {
  Ring ring;
  const Pair pair = connected();
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  send(ring, fresh, 1, IOSQE_IO_HARDLINK);
  send(ring, pair.one, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(ring.await(2), (Completions{{1, -EPIPE, 0}, {2, 4, 0}}));
}

TEST_F(Chain, MayCloseWhatItHasSentTo) {
  Ring ring;
  const Pair pair = connected();
  send(ring, pair.one, 1, IOSQE_IO_LINK);
  ring.next(IORING_OP_CLOSE, pair.one, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(ring.await(2), (Completions{{1, 4, 0}, {2, 0, 0}}));
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 4);
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, 0), 0);
}

TEST_F(Chain, DoesNotCloseAfterAFailure) {
  Ring ring;
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  send(ring, fresh, 1, IOSQE_IO_LINK);
  ring.next(IORING_OP_CLOSE, fresh, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(ring.await(2), (Completions{{1, -EPIPE, 0}, {2, -ECANCELED, 0}}));
  EXPECT_EQ(::listen(fresh, 1), 0);
}

TEST_F(Chain, EndsWithAShortReceiveThatWantedAll) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1, IOSQE_IO_LINK).msg_flags = MSG_WAITALL;
  ring.next(IORING_OP_NOP, -1, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  ::shutdown(pair.other, SHUT_WR);
  EXPECT_EQ(sorted(ring.await(2)), (Completions{{1, 1, IORING_CQE_F_SOCK_NONEMPTY}, {2, -ECANCELED, 0}}));
}

TEST_F(Chain, OfAShortReadEnds) {
  Ring ring;
  const Pair pair = connected();
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  io_uring_sqe& entry = ring.next(IORING_OP_READ, pair.one, 1);
  entry.addr = address_of(got_);
  entry.len = 8;
  entry.flags = IOSQE_IO_LINK;
  ring.next(IORING_OP_NOP, -1, 2);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(ring.await(2), (Completions{{1, 1, 0}, {2, -ECANCELED, 0}}));
}

TEST_F(Chain, EndsWhenItsTimeIsOver) {
  Ring ring;
  const Pair pair = connected();
  const __kernel_timespec soon = {.tv_sec = 0, .tv_nsec = 5'000'000};
  receive(ring, pair.one, 1, IOSQE_IO_LINK);
  timeout(ring, soon, 2, IOSQE_IO_LINK);
  ring.next(IORING_OP_NOP, -1, 3);
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(sorted(ring.await(3)), (Completions{{1, -ECANCELED, 0}, {2, -ETIME, 0}, {3, -ECANCELED, 0}}));
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(::recv(pair.one, got_, sizeof got_, 0), 1);
}

TEST_F(Chain, CancelsTheTimeoutOfWhatIsDone) {
  Ring ring;
  const Pair pair = connected();
  const __kernel_timespec late = {.tv_sec = 3600, .tv_nsec = 0};
  receive(ring, pair.one, 1, IOSQE_IO_LINK);
  timeout(ring, late, 2, IOSQE_IO_LINK);
  send(ring, pair.one, 3);
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(sorted(ring.await(3)), (Completions{{1, 1, 0}, {2, -ECANCELED, 0}, {3, 4, 0}}));
  send(ring, pair.one, 4, IOSQE_IO_LINK);
  timeout(ring, late, 5);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(sorted(ring.await(2)), (Completions{{4, 4, 0}, {5, -ECANCELED, 0}}));
}

TEST_F(Chain, HidesTheSuccessesThatAreToBeSkipped) {
  Ring ring;
  const Pair pair = connected();
  const int fresh = ::socket(AF_INET, SOCK_STREAM, 0);
  send(ring, pair.one, 1, IOSQE_CQE_SKIP_SUCCESS);
  send(ring, fresh, 2, IOSQE_CQE_SKIP_SUCCESS);
  receive(ring, pair.one, 3, IOSQE_CQE_SKIP_SUCCESS);
  ring.next(IORING_OP_NOP, -1, 4);
  EXPECT_EQ(ring.submit(), 4);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(2), (Completions{{2, -EPIPE, 0}, {4, 0, 0}}));
  EXPECT_TRUE(ring.take().empty());
}

TEST_F(Chain, IsCancelledByItsUserData) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1, IOSQE_IO_LINK);
  ring.next(IORING_OP_NOP, -1, 2);
  EXPECT_EQ(ring.submit(), 2);
  ring.next(IORING_OP_ASYNC_CANCEL, -1, 3).addr = 1;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(sorted(ring.await(3)), (Completions{{1, -ECANCELED, 0}, {2, -ECANCELED, 0}, {3, 0, 0}}));
  ring.next(IORING_OP_ASYNC_CANCEL, -1, 3).addr = 1;
  EXPECT_EQ(ring.run(), -ENOENT);
}

TEST_F(Chain, IsCancelledByItsSocket) {
  Ring ring;
  const Pair pair = connected(), other = connected();
  receive(ring, pair.one, 1);
  receive(ring, pair.one, 2);
  receive(ring, other.one, 3);
  EXPECT_EQ(ring.submit(), 3);
  io_uring_sqe& entry = ring.next(IORING_OP_ASYNC_CANCEL, pair.one, 4);
  entry.cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(sorted(ring.await(3)), (Completions{{1, -ECANCELED, 0}, {2, -ECANCELED, 0}, {4, 2, 0}}));
  EXPECT_EQ(::send(other.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(1), (Completions{{3, 1, 0}}));
}

TEST_F(Chain, OfAPollIsRemoved) {
  Ring ring;
  const Pair pair = connected();
  ring.next(IORING_OP_POLL_ADD, pair.one, 1).poll32_events = POLLIN;
  EXPECT_EQ(ring.submit(), 1);
  ring.next(IORING_OP_POLL_REMOVE, -1, 2).addr = 1;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(sorted(ring.await(2)), (Completions{{1, -ECANCELED, 0}, {2, 0, 0}}));
  ring.next(IORING_OP_POLL_REMOVE, -1, 2).addr = 1;
  EXPECT_EQ(ring.run(), -ENOENT);
}

TEST_F(Chain, IsCancelledByACall) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  io_uring_sync_cancel_reg what = {};
  what.addr = 1;
  what.timeout = {.tv_sec = -1, .tv_nsec = -1};
  EXPECT_EQ(ring.change(IORING_REGISTER_SYNC_CANCEL, &what, 1), 0);
  EXPECT_EQ(ring.await(1), (Completions{{1, -ECANCELED, 0}}));
  EXPECT_EQ(ring.change(IORING_REGISTER_SYNC_CANCEL, &what, 1), -ENOENT);
}

TEST_F(Chain, DrainsWhatCameBefore) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1);
  EXPECT_EQ(ring.submit(), 1);
  send(ring, pair.one, 2, IOSQE_IO_DRAIN);
  send(ring, pair.one, 3);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::recv(pair.other, got_, sizeof got_, MSG_DONTWAIT), -1);
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(3), (Completions{{1, 1, 0}, {2, 4, 0}, {3, 4, 0}}));
}

TEST_F(Chain, DrainsNothingAtOnce) {
  Ring ring;
  const Pair pair = connected();
  ring.next(IORING_OP_NOP, -1, 1);
  EXPECT_EQ(ring.run(), 0);
  for (uint64_t i = 0; i < 3; i++) send(ring, pair.one, i, IOSQE_IO_DRAIN);
  EXPECT_EQ(ring.submit(), 3);
  EXPECT_EQ(ring.await(3), (Completions{{0, 4, 0}, {1, 4, 0}, {2, 4, 0}}));
}

TEST_F(Chain, RunsInTheBackgroundWhereThatIsAsked) {
  Ring ring;
  const Pair pair = connected();
  receive(ring, pair.one, 1, IOSQE_ASYNC);
  send(ring, pair.other, 2, IOSQE_ASYNC);
  EXPECT_EQ(ring.submit(), 2);
  EXPECT_EQ(sorted(ring.await(2)), (Completions{{1, 4, 0}, {2, 4, 0}}));
}

}  // namespace
}  // namespace lxnet::uring_test
