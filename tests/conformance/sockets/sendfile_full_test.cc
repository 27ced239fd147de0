// sendfile to a socket that is full and does not wait: nothing is sent and the file stays where it is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

class FullSocketTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, GetParam() | SOCK_NONBLOCK, 0, ends), 0);
    out_ = Fd(ends[1]);
    in_ = Fd(ends[0]);
    file_ = Fd(::memfd_create("file", 0));
    ASSERT_EQ(::write(file_, "abcdef", 6), 6);
    ASSERT_EQ(::lseek(file_, 0, SEEK_SET), 0);
    while (::write(out_, "a", 1) == 1) {
    }
    ASSERT_EQ(errno, EAGAIN);
  }
  Fd in_, out_, file_;
};

TEST_P(FullSocketTest, IsNotWaitedForAndTheFileDoesNotMove) {
  EXPECT_EQ(answer(::sendfile(out_, file_, nullptr, 3)), -EAGAIN);
  EXPECT_EQ(::lseek(file_, 0, SEEK_CUR), 0);
  off_t offset = 2;
  EXPECT_EQ(answer(::sendfile(out_, file_, &offset, 3)), -EAGAIN);
  EXPECT_EQ(offset, 2);
}

TEST_P(FullSocketTest, ABrokenOneSaysSo) {
  in_.reset();
  ::signal(SIGPIPE, SIG_IGN);
  const long expected = GetParam() == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
  EXPECT_EQ(answer(::sendfile(out_, file_, nullptr, 3)), expected);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FullSocketTest, testing::Values(SOCK_STREAM, SOCK_DGRAM));

}  // namespace
}  // namespace conformance
