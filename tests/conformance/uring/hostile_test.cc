// What no library hands in. Nothing is asked but that the others are served as before.
#include <random>

#include "tests/conformance/uring/ring.hh"

namespace lxnet::uring_test {
namespace {

class HostileRing : public UringTest {
 protected:
  // That the socket calls and the rings of everybody else still work.
  static void expect_served() {
    Ring ring;
    const Pair pair = connected();
    io_uring_sqe& entry = ring.next(IORING_OP_SEND, pair.one, 1);
    entry.addr = address_of("fine");
    entry.len = 4;
    EXPECT_EQ(ring.run(), 4);
    char got[8];
    EXPECT_EQ(::recv(pair.other, got, sizeof got, 0), 4);
    ::close(pair.one);
    ::close(pair.other);
  }
};

TEST_F(HostileRing, OfGarbageEntries) {
  std::mt19937_64 random(7);
  const Pair pair = connected();
  // What creates, changes and deletes, and what waits for something that does not come, is not for a test.
  constexpr uint8_t kOpcodes[] = {IORING_OP_SENDMSG,      IORING_OP_RECVMSG,      IORING_OP_ACCEPT,
                                  IORING_OP_CONNECT,      IORING_OP_SEND,         IORING_OP_RECV,
                                  IORING_OP_READV,        IORING_OP_WRITEV,       IORING_OP_READ,
                                  IORING_OP_WRITE,        IORING_OP_POLL_ADD,     IORING_OP_EPOLL_CTL,
                                  IORING_OP_SOCKET,       IORING_OP_SHUTDOWN,     kOpBind,
                                  IORING_OP_ASYNC_CANCEL, IORING_OP_LINK_TIMEOUT, IORING_OP_NOP,
                                  IORING_OP_SEND_ZC,      IORING_OP_SPLICE,       255};
  for (int round = 0; round < 200; round++) {
    Ring ring(8);
    for (int i = 0; i < 8; i++) {
      io_uring_sqe& entry = ring.next(0, 0, 0);
      for (auto* word = reinterpret_cast<uint64_t*>(&entry); word != reinterpret_cast<uint64_t*>(&entry + 1); word++) {
        *word = random() % 3 == 0 ? random() >> (random() % 64) : 0;
      }
      entry.opcode = kOpcodes[random() % std::size(kOpcodes)];
      if (random() % 4 != 0) entry.flags &= IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC;
      entry.fd = random() % 2 == 0 ? pair.one : pair.other;
      if (entry.opcode == IORING_OP_SOCKET) entry.file_index = 1;
      if (entry.opcode == IORING_OP_READ || entry.opcode == IORING_OP_RECV) entry.addr = 8;
    }
    EXPECT_GT(ring.submit(), -EINVAL);
    ring.take();
  }
  expect_served();
}

TEST_F(HostileRing, WhoseTailRunsAway) {
  const Pair pair = connected();
  for (const uint32_t distance : {9u, 1000u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    Ring ring(8);
    for (int i = 0; i < 8; i++) {
      io_uring_sqe& entry = ring.next(IORING_OP_SEND, pair.one, 1);
      entry.addr = address_of("x");
      entry.len = 1;
      entry.msg_flags = MSG_DONTWAIT;
    }
    ring.word(ring.parameters().sq_off.tail) += distance;
    EXPECT_GE(ring.enter(0xffffffff, 0, 0), 0);
  }
  expect_served();
}

TEST_F(HostileRing, WhoseHeadsAndMasksAreWrittenOver) {
  std::mt19937_64 random(11);
  const Pair pair = connected();
  for (int round = 0; round < 100; round++) {
    Ring ring(8);
    const io_uring_params& parameters = ring.parameters();
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.one, 1);
    entry.addr = 8;
    entry.len = 8;
    for (const uint32_t place :
         {parameters.sq_off.head, parameters.sq_off.ring_mask, parameters.sq_off.ring_entries, parameters.sq_off.array,
          parameters.cq_off.tail, parameters.cq_off.ring_mask, parameters.cq_off.ring_entries, parameters.sq_off.flags}) {
      ring.word(place) = static_cast<uint32_t>(random() >> (random() % 64));
    }
    ring.submit();
    ring.enter(8, 0, 0);
  }
  expect_served();
}

TEST_F(HostileRing, OfMoreWaitingRequestsThanAnybodyHas) {
  const Pair pair = connected();
  Ring ring(512);
  char got[4];
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 512; i++) {
      io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.one, 1);
      entry.addr = address_of(got);
      entry.len = 4;
    }
    EXPECT_EQ(ring.submit(), 512);
  }
  io_uring_sqe& entry = ring.next(IORING_OP_ASYNC_CANCEL, -1, 2);
  entry.addr = 1;
  entry.cancel_flags = IORING_ASYNC_CANCEL_ALL;
  EXPECT_EQ(ring.submit(1), 1);
  expect_served();
}

}  // namespace
}  // namespace lxnet::uring_test
