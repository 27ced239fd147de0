// Hash operations: streaming, what is handed out, forks, keys that come late.
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

const std::string kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class AlgHashTest : public AlgTest {};

TEST_F(AlgHashTest, GivesTheDigestOnceAndThenThatOfNothing) {
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
  EXPECT_EQ(send_text(fd, "abc"), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
  EXPECT_EQ(send_text(fd, ""), 0);
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
}

TEST_F(AlgHashTest, ContinuesWithMoreAndBeginsAnewWithout) {
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(send_text(fd, "a", MSG_MORE), 1);
  EXPECT_EQ(send_text(fd, "b", MSG_MORE), 1);
  EXPECT_EQ(send_text(fd, "c", MSG_MORE), 1);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  EXPECT_EQ(send_text(fd, "a", MSG_MORE), 1);
  EXPECT_EQ(send_text(fd, "bc"), 2);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  EXPECT_EQ(send_text(fd, "xyz"), 3);
  EXPECT_EQ(send_text(fd, "abc"), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  EXPECT_EQ(send_text(fd, "abc", MSG_MORE), 3);
  EXPECT_EQ(send_text(fd, ""), 0);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
}

TEST_F(AlgHashTest, ShowsThatADigestWasCut) {
  const Fd fd = operation("hash", "sha256");
  char room[64] = {};
  iovec vector{room, 5};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  EXPECT_EQ(send_text(fd, "abc"), 3);
  EXPECT_EQ(recvmsg(fd, &message, 0), 5);
  EXPECT_EQ(message.msg_flags, MSG_TRUNC);
  EXPECT_EQ(hex(std::string(room, 5)), kAbc.substr(0, 10));
  EXPECT_EQ(send_text(fd, "abc"), 3);
  vector.iov_len = sizeof room;
  EXPECT_EQ(recvmsg(fd, &message, 0), 32);
  EXPECT_EQ(message.msg_flags, 0);
  vector.iov_len = 0;
  EXPECT_EQ(send_text(fd, "abc"), 3);
  EXPECT_EQ(recvmsg(fd, &message, 0), 0);
  EXPECT_EQ(message.msg_flags, MSG_TRUNC);
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
}

TEST_F(AlgHashTest, BadMemoryEndsTheMessage) {
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(send_text(fd, "abc", MSG_MORE), 3);
  EXPECT_EQ(answer(send(fd, reinterpret_cast<void*>(8), 10, 0)), -EFAULT);
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
  EXPECT_EQ(send_text(fd, "abc"), 3);
  EXPECT_EQ(answer(recv(fd, reinterpret_cast<void*>(8), 32, 0)), -EFAULT);
  EXPECT_EQ(hex(receive(fd, 32)), kEmpty);
}

TEST_F(AlgHashTest, AcceptForksTheHashUnderWay) {
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(send_text(fd, "ab", MSG_MORE), 2);
  const Fd fork = alg_accept(fd);
  ASSERT_GE(fork, 0);
  EXPECT_EQ(send_text(fork, "c"), 1);
  EXPECT_EQ(hex(receive(fork, 32)), kAbc);
  EXPECT_EQ(send_text(fd, "c"), 1);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  // One that has ended is not handed on.
  EXPECT_EQ(send_text(fd, "abc"), 3);
  const Fd other = alg_accept(fd);
  EXPECT_EQ(hex(receive(other, 32)), kEmpty);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
}

TEST_F(AlgHashTest, IsNothingElse) {
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(poll_now(fd), 0);
  EXPECT_EQ(answer(setsockopt(fd, SOL_ALG, ALG_SET_KEY, "x", 1)), -EOPNOTSUPP);
  EXPECT_EQ(alg_bind(fd, "hash", "sha1"), -EOPNOTSUPP);
  EXPECT_EQ(answer(listen(fd, 1)), -EOPNOTSUPP);
  // Control messages are not looked at.
  EXPECT_EQ(Control().number(99, 1).send(fd, "abc"), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
}

TEST_F(AlgHashTest, WithoutItsKeySaysSoAndLearnsOfItLater) {
  const Fd parent = bound("hash", "hmac(sha256)");
  const Fd early = alg_accept(parent), never = alg_accept(parent);
  EXPECT_EQ(send_text(early, "x"), -ENOKEY);
  EXPECT_EQ(receive(early, 32), "ENOKEY");
  EXPECT_EQ(answer(accept(early, nullptr, nullptr)), -ENOKEY);
  // Those without a key do not keep it from being set, or from being set again.
  EXPECT_EQ(set_key(parent, "Jefe"), 0);
  EXPECT_EQ(set_key(parent, "Jefe"), 0);
  EXPECT_EQ(alg_bind(parent, "hash", "sha1"), -EBUSY);
  EXPECT_EQ(send_text(early, "what do ya want for nothing?"), 28);
  EXPECT_EQ(hex(receive(early, 32)), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(set_key(parent, "other"), -EBUSY);
}

TEST_F(AlgHashTest, AKeyThatIsRefusedLeavesNone) {
  const Fd parent = bound("hash", "cmac(aes)");
  EXPECT_EQ(set_key(parent, std::string(16, 'k')), 0);
  EXPECT_EQ(set_key(parent, std::string(15, 'k')), -EINVAL);
  const Fd fd = alg_accept(parent);
  EXPECT_EQ(send_text(fd, "x"), -ENOKEY);
}

TEST_F(AlgHashTest, SomeKeysAreOptional) {
  const Fd plain = operation("hash", "crc32c");
  EXPECT_EQ(send_text(plain, "123456789"), 9);
  EXPECT_EQ(hex(receive(plain, 4)), "839206e3");
  const Fd seeded = operation("hash", "crc32c", std::string(4, '\0'));
  EXPECT_EQ(send_text(seeded, ""), 0);
  EXPECT_EQ(hex(receive(seeded, 4)), "ffffffff");
}

TEST_F(AlgHashTest, FilesComeBySplice) {
  const Fd fd = operation("hash", "sha256");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  ASSERT_EQ(write(writer, "abc", 3), 3);
  EXPECT_EQ(splice(reader, nullptr, fd, nullptr, 3, 0), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  ASSERT_EQ(write(writer, "ab", 2), 2);
  EXPECT_EQ(splice(reader, nullptr, fd, nullptr, 2, SPLICE_F_MORE), 2);
  EXPECT_EQ(send_text(fd, "c"), 1);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
}

// It is never ready, and takes what comes all the same.
TEST_F(AlgHashTest, ASpliceDoesNotAskWhetherItIsReady) {
  const Fd fd = operation("hash", "sha256");
  ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  EXPECT_EQ(answer(splice(reader, nullptr, fd, nullptr, 3, SPLICE_F_NONBLOCK)), -EAGAIN);
  ASSERT_EQ(write(writer, "abc", 3), 3);
  EXPECT_EQ(poll_now(fd), 0);
  EXPECT_EQ(splice(reader, nullptr, fd, nullptr, 3, SPLICE_F_NONBLOCK), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
  ASSERT_EQ(write(writer, "abc", 3), 3);
  EXPECT_EQ(answer(splice(reader, nullptr, parent_, nullptr, 3, 0)), -EOPNOTSUPP);
  // What was refused is in the pipe still.
  EXPECT_EQ(splice(reader, nullptr, fd, nullptr, 3, 0), 3);
  EXPECT_EQ(hex(receive(fd, 32)), kAbc);
}

TEST_F(AlgHashTest, AFileSentWholeIsOneMessage) {
  const Fd file(memfd_create("file", 0));
  const std::string text(300000, 'x');
  ASSERT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  const Fd fd = operation("hash", "sha256");
  EXPECT_EQ(send_text(fd, text), static_cast<long>(text.size()));
  const std::string digest = hex(receive(fd, 32));
  off_t offset = 0;
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t piece = sendfile(fd, file, &offset, text.size() - sent);
    ASSERT_GT(piece, 0);
    sent += static_cast<size_t>(piece);
  }
  EXPECT_EQ(hex(receive(fd, 32)), digest);
}

}  // namespace
}  // namespace conformance
