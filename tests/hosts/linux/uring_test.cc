// What is refused of io_uring under the supervisor, and how.
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

long set_up(io_uring_params& parameters, unsigned entries = 8) {
  const long ring = ::syscall(SYS_io_uring_setup, entries, &parameters);
  return ring < 0 ? -errno : ring;
}

bool has_rings() {
  io_uring_params parameters = {};
  const long ring = set_up(parameters);
  if (ring >= 0) ::close(static_cast<int>(ring));
  return ring >= 0;
}

long change(long ring, unsigned operation, void* argument, unsigned count) {
  const long result = ::syscall(SYS_io_uring_register, ring, operation, argument, count);
  return result < 0 ? -errno : result;
}

TEST(IoUring, OfAFormThatCannotBeServedIsRefused) {
  if (!has_rings()) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(run_on_lxnet([] {
              constexpr uint32_t kNoMmap = 1u << 14, kRegisteredOnly = 1u << 15, kNoArray = 1u << 16;
              for (const uint32_t flags : {unsigned{IORING_SETUP_IOPOLL}, unsigned{IORING_SETUP_SQE128},
                                           unsigned{IORING_SETUP_CQE32}, kNoMmap, kNoMmap | kRegisteredOnly, kNoArray}) {
                io_uring_params parameters = {};
                parameters.flags = flags;
                CHECK_THAT(set_up(parameters) == -EINVAL);
              }
              io_uring_params parameters = {};
              parameters.flags = IORING_SETUP_SQPOLL;
              CHECK_THAT(set_up(parameters) == -EPERM);
              CHECK_THAT(::syscall(SYS_io_uring_setup, 8, 8) == -1 && errno == EFAULT);
              parameters = {};
              CHECK_THAT(set_up(parameters, 0) == -EINVAL);
            }),
            0);
}

TEST(IoUring, IsRegisteredOnlyWhatIsKnownOf) {
  if (!has_rings()) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(run_on_lxnet([] {
              io_uring_params parameters = {};
              const long ring = set_up(parameters);
              io_uring_rsrc_update itself = {.offset = ~0u, .resv = 0, .data = static_cast<uint64_t>(ring)};
              CHECK_THAT(change(ring, IORING_REGISTER_RING_FDS, &itself, 1) == -EINVAL);
              io_uring_restriction restriction = {};
              CHECK_THAT(change(ring, IORING_REGISTER_RESTRICTIONS, &restriction, 1) == -EINVAL);
              CHECK_THAT(change(ring, 999, nullptr, 0) == -EINVAL);
              alignas(io_uring_probe) char memory[sizeof(io_uring_probe) + 64 * sizeof(io_uring_probe_op)] = {};
              auto& probe = *reinterpret_cast<io_uring_probe*>(memory);
              CHECK_THAT(change(ring, IORING_REGISTER_PROBE, &probe, 64) == 0);
              CHECK_THAT(probe.ops[IORING_OP_SENDMSG].flags == IO_URING_OP_SUPPORTED);
              constexpr int kReceiveZeroCopy = 58;
              CHECK_THAT(probe.ops[kReceiveZeroCopy].flags == 0);
              CHECK_THAT(change(ring, IORING_REGISTER_PROBE, reinterpret_cast<void*>(8), 64) == -EFAULT);
            }),
            0);
}

struct SmallRing {
  io_uring_params parameters = {};
  long fd = set_up(parameters);
  char* memory = static_cast<char*>(map(4096, IORING_OFF_SQ_RING));
  io_uring_sqe* entries = static_cast<io_uring_sqe*>(map(8 * sizeof(io_uring_sqe), IORING_OFF_SQES));

  void* map(size_t size, uint64_t offset) const {
    return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(fd), static_cast<off_t>(offset));
  }
  uint32_t& word(uint32_t offset) { return *reinterpret_cast<uint32_t*>(memory + offset); }
  void put(const io_uring_sqe& entry) {
    const uint32_t tail = word(parameters.sq_off.tail), slot = tail & 7;
    word(parameters.sq_off.array + slot * 4) = slot;
    entries[slot] = entry;
    word(parameters.sq_off.tail) = tail + 1;
  }
  long enter(unsigned count) const { return ::syscall(SYS_io_uring_enter, fd, count, 0, IORING_ENTER_GETEVENTS, nullptr, 0); }
  io_uring_cqe take() {
    const uint32_t head = word(parameters.cq_off.head);
    if (head == word(parameters.cq_off.tail)) return {.user_data = ~0ull, .res = 1, .flags = 0};
    word(parameters.cq_off.head) = head + 1;
    return reinterpret_cast<io_uring_cqe*>(memory + parameters.cq_off.cqes)[head & (parameters.cq_entries - 1)];
  }
};

io_uring_sqe entry(uint8_t opcode, int fd, uint64_t user_data, uint8_t flags = 0) {
  io_uring_sqe one = {};
  one.opcode = opcode;
  one.fd = fd;
  one.user_data = user_data;
  one.flags = flags;
  return one;
}

TEST(IoUring, RequestsThatCannotBeServedAreNotValid) {
  if (!has_rings()) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(run_on_lxnet([] {
              SmallRing ring;
              const int fd = bound_socket();
              io_uring_sqe poll = entry(IORING_OP_POLL_ADD, fd, 1), direct = entry(IORING_OP_SOCKET, AF_INET, 2);
              poll.len = IORING_POLL_ADD_LEVEL;
              poll.poll32_events = 1;
              direct.off = SOCK_DGRAM;
              direct.file_index = 1;
              const io_uring_sqe splice = entry(IORING_OP_SPLICE, fd, 3);
              const io_uring_sqe buffer = entry(IORING_OP_RECV, fd, 4, IOSQE_BUFFER_SELECT);
              for (const io_uring_sqe& one : {poll, direct, splice, buffer}) {
                ring.put(one);
                CHECK_THAT(ring.enter(1) == 1);
                const io_uring_cqe answer = ring.take();
                CHECK_THAT(answer.user_data == one.user_data && answer.res == -EINVAL);
              }
            }),
            0);
}

// A request for a socket does not wait for one of the kernel's: the chain ends before it begins.
TEST(IoUring, AChainThatTheKernelBeginsIsRefusedWhole) {
  if (!has_rings()) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(run_on_lxnet([] {
              SmallRing ring;
              const int fd = bound_socket();
              int ends[2];
              CHECK_THAT(::pipe(ends) == 0);
              io_uring_sqe write = entry(IORING_OP_WRITE, ends[1], 1, IOSQE_IO_LINK), send = entry(IORING_OP_SEND, fd, 2);
              write.addr = reinterpret_cast<uint64_t>("x");
              write.len = 1;
              write.off = ~0ull;
              ring.put(write);
              ring.put(send);
              CHECK_THAT(ring.enter(2) == 2);
              int results[3] = {};
              for (int i = 0; i < 2; i++) {
                const io_uring_cqe answer = ring.take();
                if (answer.user_data < 3) results[answer.user_data] = answer.res;
              }
              CHECK_THAT(results[1] == -ECANCELED && results[2] == -EINVAL);
              int waiting = -1;
              CHECK_THAT(::ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == 0);
            }),
            0);
}

TEST(IoUring, WhatFollowsARequestThatWaitsIsRefusedIfTheKernelMustDoIt) {
  if (!has_rings()) GTEST_SKIP() << "no io_uring here";
  EXPECT_EQ(run_on_lxnet([] {
              SmallRing ring;
              const int fd = bound_socket();
              char got[4];
              io_uring_sqe receive = entry(IORING_OP_RECV, fd, 1, IOSQE_IO_LINK);
              receive.addr = reinterpret_cast<uint64_t>(got);
              receive.len = 4;
              ring.put(receive);
              ring.put(entry(IORING_OP_CLOSE, fd, 2));
              CHECK_THAT(ring.enter(2) == 2);
              io_uring_cqe answer = ring.take();
              CHECK_THAT(answer.user_data == 2 && answer.res == -EINVAL);
              send_to_port(fd, port_of(fd), "x");
              while ((answer = ring.take()).user_data != 1) ::usleep(100);
              CHECK_THAT(answer.res == 1);
            }),
            0);
}

}  // namespace
}  // namespace lxnet::test
