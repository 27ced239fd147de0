// io_submit() on sockets: what it gives is there when it returns, and io_getevents() tells of it.
#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <string>
#include <vector>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

class AsyncIoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::syscall(SYS_io_setup, 4, &context_) != 0) GTEST_SKIP() << "this kernel has no io_setup()";
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    a_ = Fd(fds[0]);
    b_ = Fd(fds[1]);
  }
  void TearDown() override {
    if (context_ != 0) {
      EXPECT_EQ(::syscall(SYS_io_destroy, context_), 0);
    }
  }

  static iocb request(int opcode, int fd, void* buffer, size_t size) {
    iocb body = {};
    body.aio_lio_opcode = static_cast<uint16_t>(opcode);
    body.aio_fildes = static_cast<uint32_t>(fd);
    body.aio_buf = reinterpret_cast<uint64_t>(buffer);
    body.aio_nbytes = size;
    return body;
  }
  long submit(std::vector<iocb*> requests) {
    return answer(::syscall(SYS_io_submit, context_, requests.size(), requests.data()));
  }
  long submit(iocb& body) { return submit(std::vector<iocb*>{&body}); }
  // Those that are there, without waiting for more.
  std::vector<io_event> events(long least = 0, long most = 10) {
    io_event room[10];
    timespec no_time = {};
    const long got = ::syscall(SYS_io_getevents, context_, least, most, room, &no_time);
    EXPECT_GE(got, 0);
    return std::vector<io_event>(room, room + std::max(got, 0L));
  }

  aio_context_t context_ = 0;
  Fd a_{-1}, b_{-1};
};

TEST_F(AsyncIoTest, ReadsAndWritesAreDoneWhenTheyAreSubmitted) {
  char text[] = "hello", room[16] = {};
  iocb out = request(IOCB_CMD_PWRITE, a_, text, 5), in = request(IOCB_CMD_PREAD, b_, room, sizeof room);
  out.aio_data = 7;
  in.aio_data = 8;
  out.aio_key = 9;
  EXPECT_EQ(submit({&out, &in}), 2);
  EXPECT_EQ(out.aio_key, 0u);
  EXPECT_STREQ(room, "hello");
  const std::vector<io_event> got = events(2);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].data, 7u);
  EXPECT_EQ(got[0].obj, reinterpret_cast<uint64_t>(&out));
  EXPECT_EQ(got[0].res, 5);
  EXPECT_EQ(got[0].res2, 0);
  EXPECT_EQ(got[1].data, 8u);
  EXPECT_EQ(got[1].res, 5);
  EXPECT_TRUE(events().empty());
}

TEST_F(AsyncIoTest, VectorsToo) {
  char one[] = "ab", other[] = "cd", room[8] = {};
  iovec out_vector[] = {{one, 2}, {other, 2}}, in_vector[] = {{room, 1}, {room + 4, 3}};
  iocb out = request(IOCB_CMD_PWRITEV, a_, out_vector, 2), in = request(IOCB_CMD_PREADV, b_, in_vector, 2);
  EXPECT_EQ(submit({&out, &in}), 2);
  EXPECT_EQ(events(2).size(), 2u);
  EXPECT_EQ(room[0], 'a');
  EXPECT_EQ(std::string(room + 4, 3), "bcd");
}

TEST_F(AsyncIoTest, AnEventfdHearsOfEach) {
  const Fd told(::eventfd(0, EFD_NONBLOCK));
  char text[] = "x";
  iocb out = request(IOCB_CMD_PWRITE, a_, text, 1), again = out;
  for (iocb* body : {&out, &again}) {
    body->aio_flags = IOCB_FLAG_RESFD;
    body->aio_resfd = static_cast<uint32_t>(static_cast<int>(told));
  }
  EXPECT_EQ(submit({&out, &again}), 2);
  uint64_t count = 0;
  EXPECT_EQ(::read(told, &count, sizeof count), 8);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(events().size(), 2u);
  // One that is none.
  out.aio_resfd = static_cast<uint32_t>(static_cast<int>(a_));
  EXPECT_EQ(submit(out), -EINVAL);
  out.aio_resfd = 1000;
  EXPECT_EQ(submit(out), -EBADF);
}

// What the call refused is what became of the request.
TEST_F(AsyncIoTest, FailuresAreResults) {
  char text[] = "x", room[4];
  ASSERT_EQ(::shutdown(a_, SHUT_WR), 0);
  ::signal(SIGPIPE, SIG_IGN);
  iocb out = request(IOCB_CMD_PWRITE, a_, text, 1), end = request(IOCB_CMD_PREAD, b_, room, 4);
  iocb positioned = request(IOCB_CMD_PREAD, b_, room, 4), bad = request(IOCB_CMD_PWRITE, b_, nullptr, 4);
  positioned.aio_offset = 1;
  EXPECT_EQ(submit({&out, &end, &positioned, &bad}), 4);
  ::signal(SIGPIPE, SIG_DFL);
  const std::vector<io_event> got = events(4);
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0].res, -EPIPE);
  EXPECT_EQ(got[1].res, 0);
  EXPECT_EQ(got[2].res, -ESPIPE);
  EXPECT_EQ(got[3].res, -EFAULT);
}

TEST_F(AsyncIoTest, RequestsThatAreNoneAreRefused) {
  char text[] = "x";
  iocb good = request(IOCB_CMD_PWRITE, a_, text, 1), bad = good;
  bad.aio_lio_opcode = 77;
  EXPECT_EQ(submit(bad), -EINVAL);
  bad = good;
  bad.aio_reserved2 = 1;
  EXPECT_EQ(submit(bad), -EINVAL);
  bad = good;
  bad.aio_nbytes = ~uint64_t{0};
  EXPECT_EQ(submit(bad), -EINVAL);
  EXPECT_TRUE(events().empty());
  // Those before it are done.
  EXPECT_EQ(submit({&good, &bad, &good}), 1);
  EXPECT_EQ(submit({&good, nullptr}), 1);
  EXPECT_EQ(events().size(), 2u);
  EXPECT_EQ(answer(::syscall(SYS_io_submit, context_, -1L, nullptr)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_io_submit, context_, 0L, nullptr)), 0);
  iocb* list[] = {&good};
  EXPECT_EQ(answer(::syscall(SYS_io_submit, 0, 1, list)), -EINVAL);
}

TEST_F(AsyncIoTest, EventsAreGivenAsManyAsAreWanted) {
  char text[] = "x";
  iocb out = request(IOCB_CMD_PWRITE, a_, text, 1);
  EXPECT_EQ(submit({&out, &out, &out}), 3);
  io_event room[4];
  EXPECT_EQ(answer(::syscall(SYS_io_getevents, context_, 2, 1, room, nullptr)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_io_getevents, context_, -1, 1, room, nullptr)), -EINVAL);
  EXPECT_EQ(answer(::syscall(SYS_io_getevents, context_, 1, 1, nullptr, nullptr)), -EFAULT);
  EXPECT_EQ(events(1, 1).size(), 1u);
  EXPECT_EQ(events(0, 0).size(), 0u);
  EXPECT_EQ(events(1, 10).size(), 2u);
  EXPECT_EQ(events(1, 10).size(), 0u) << "the time is over";
}

TEST_F(AsyncIoTest, FilesAreTheKernelsAsEver) {
  const Fd file(static_cast<int>(::syscall(SYS_memfd_create, "file", 0)));
  char text[] = "abc", room[4] = {};
  iocb out = request(IOCB_CMD_PWRITE, file, text, 3), in = request(IOCB_CMD_PREAD, file, room, 3);
  EXPECT_EQ(submit(out), 1);
  EXPECT_EQ(events(1).size(), 1u);
  EXPECT_EQ(submit(in), 1);
  EXPECT_EQ(events(1).size(), 1u);
  EXPECT_STREQ(room, "abc");
}

}  // namespace
}  // namespace conformance
