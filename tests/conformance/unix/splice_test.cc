// Bytes between pipes and AF_UNIX sockets, and what a receive says beside its bytes where it fails or ends.
#include <fcntl.h>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_NONBLOCK) != 0) return;
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
  Fd out{-1}, in{-1};
};

long splice_into(const Pipe& pipe, int socket, size_t size) {
  return answer(::splice(pipe.out, nullptr, socket, nullptr, size, SPLICE_F_NONBLOCK));
}

class UnixSpliceByType : public testing::TestWithParam<int> {};

// What the socket refuses can still be read from the pipe.
TEST_P(UnixSpliceByType, APipeKeepsWhatIsRefused) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.in, "0123456789", 10), 10);
  const Fd alone = unix_socket(GetParam());
  EXPECT_EQ(splice_into(pipe, alone, 4), -ENOTCONN);
  EXPECT_EQ(ask(pipe.out, kBytesReadable), 10);

  Pair pair = make_pair_of(GetParam());
  ::shutdown(pair.a, SHUT_WR);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  EXPECT_EQ(splice_into(pipe, pair.a, 4), -EPIPE);
  EXPECT_EQ(ask(pipe.out, kBytesReadable), 10);

  Pair widowed = make_pair_of(GetParam());
  widowed.b = Fd(-1);
  const bool is_datagram = GetParam() == SOCK_DGRAM;
  EXPECT_EQ(splice_into(pipe, widowed.a, 4), is_datagram ? -ECONNREFUSED : -EPIPE);
  EXPECT_EQ(splice_into(pipe, widowed.a, 4), is_datagram ? -ENOTCONN : -EPIPE);
  EXPECT_EQ(ask(pipe.out, kBytesReadable), 10);

  Pair whole = make_pair_of(GetParam());
  EXPECT_EQ(splice_into(pipe, whole.a, 4), 4);
  EXPECT_EQ(receive(whole.b).text, "0123");
  EXPECT_EQ(ask(pipe.out, kBytesReadable), 6);
  const timespec none{};
  sigtimedwait(&blocked, nullptr, &none);
}

TEST_P(UnixSpliceByType, IntoASocketThatAppendsNothingGoes) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.in, "x", 1), 1);
  Pair pair = make_pair_of(GetParam());
  ASSERT_EQ(::fcntl(pair.a, F_SETFL, O_APPEND | O_NONBLOCK), 0);
  EXPECT_EQ(splice_into(pipe, pair.a, 1), -EINVAL);
  EXPECT_EQ(ask(pipe.out, kBytesReadable), 1);
}

TEST_P(UnixSpliceByType, AnEmptyPipeEndsWithItsWriterWhateverTheSocketIs) {
  Pipe pipe;
  const Fd alone = unix_socket(GetParam());
  EXPECT_EQ(splice_into(pipe, alone, 1), -EAGAIN);
  pipe.in = Fd(-1);
  EXPECT_EQ(splice_into(pipe, alone, 1), 0);
}

INSTANTIATE_TEST_SUITE_P(Types, UnixSpliceByType, testing::Values(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET));

TEST(UnixSplice, AListenerIsNotConnected) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.in, "x", 1), 1);
  const Fd listener = unix_socket(SOCK_STREAM);
  ASSERT_EQ(bind_name(listener, autobind_name()), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(splice_into(pipe, listener, 1), -ENOTCONN);
}

// A page is lent for as much of it as there are bytes.
TEST(UnixSplice, SplicedBytesAreChargedOneByOne) {
  Pipe pipe;
  Pair pair = make_pair_of(SOCK_STREAM);
  ASSERT_EQ(::write(pipe.in, "0123456", 7), 7);
  ASSERT_EQ(splice_into(pipe, pair.a, 1), 1);
  EXPECT_EQ(ask(pair.a, kBytesUnsent), 769);
  ASSERT_EQ(splice_into(pipe, pair.a, 6), 6);
  EXPECT_EQ(ask(pair.a, kBytesUnsent), 769 + 774);
  ASSERT_EQ(::send(pair.a, "x", 1, 0), 1);
  EXPECT_EQ(ask(pair.a, kBytesUnsent), 769 + 774 + 768);
}

TEST(UnixSplice, SplicedBytesGoAsOneMessageWhateverTheBuffer) {
  Pipe pipe;
  Pair pair = make_pair_of(SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(set(pair.a, SO_SNDBUF, 1), 0);
  const std::string data(5000, 's');
  ASSERT_EQ(::write(pipe.in, data.data(), data.size()), 5000);
  EXPECT_EQ(splice_into(pipe, pair.a, 5000), 5000);
  EXPECT_EQ(ask(pair.a, kBytesUnsent), 768 + 5000);
  EXPECT_EQ(answer(::send(pair.a, "x", 1, 0)), -EAGAIN);
}

TEST(UnixSplice, OutOfAStreamItStopsAtTheMark) {
  Pipe pipe;
  Pair pair = make_pair_of(SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(::send(pair.a, "abcd", 4, MSG_OOB), 4);
  EXPECT_EQ(::splice(pair.b, nullptr, pipe.in, nullptr, 100, 0), 3);
  EXPECT_EQ(ask(pair.b, kAtMark), 1);
  EXPECT_EQ(poll_now(pair.b, POLLPRI), POLLPRI);
}

// SO_PASSCRED's message is put where it would be though nothing was received.
TEST(UnixReceive, AFailedReceiveHasWrittenItsControlMessages) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    Pair pair = make_pair_of(type | SOCK_NONBLOCK);
    ASSERT_EQ(set(pair.b, SO_PASSCRED, 1), 0);
    char byte = 0;
    alignas(cmsghdr) char control[64];
    std::memset(control, 0x5a, sizeof control);
    iovec vector{&byte, 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    EXPECT_EQ(answer(::recvmsg(pair.b, &message, 0)), -EAGAIN);
    EXPECT_EQ(message.msg_controllen, sizeof control);
    const cmsghdr* written = CMSG_FIRSTHDR(&message);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(written->cmsg_len, CMSG_LEN(sizeof(ucred)));
      EXPECT_EQ(written->cmsg_type, SCM_CREDENTIALS);
      ucred who{1, 1, 1};
      std::memcpy(&who, CMSG_DATA(written), sizeof who);
      EXPECT_EQ(who.pid, 0);
    } else {
      EXPECT_EQ(control[0], 0x5a);
    }
  }
}

// The descriptors of a byte that is passed over are closed after the call: what it says does not depend on them.
TEST(UnixReceive, AnOutOfBandByteThatHoldsItsSenderEndsTheStreamForTheNextCall) {
  Pair pair = make_pair_of(SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(send_with(pair.a, "x", Control().rights({pair.a}), MSG_OOB), 1);
  pair.a = Fd(-1);
  EXPECT_EQ(poll_now(pair.b, POLLIN | POLLRDHUP), POLLIN);
  EXPECT_EQ(receive(pair.b).result, -EAGAIN);
  EXPECT_EQ(receive(pair.b).result, 0);
  EXPECT_EQ(poll_now(pair.b, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
}

}  // namespace
}  // namespace conformance
