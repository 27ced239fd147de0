// Skcipher and aead operations: control messages, what waits for what, how reads are cut, what is refused.
#include <sched.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

const std::string kKey(16, 'k'), kIv(16, 'i');

class AlgCipherTest : public AlgTest {
 protected:
  std::string encrypted(const std::string& name, const std::string& text) {
    const Fd fd = operation("skcipher", name, kKey);
    EXPECT_EQ(Control().operation(ALG_OP_ENCRYPT).iv(kIv).send(fd, text), static_cast<long>(text.size()));
    return receive(fd, text.size());
  }
};

TEST_F(AlgCipherTest, ControlMessagesAreChecked) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const std::string block(16, 'x');
  EXPECT_EQ(Control().operation(2).send(fd, block), -EINVAL);
  EXPECT_EQ(Control().operation(1).iv(std::string(15, 'i')).send(fd, block), -EINVAL);
  EXPECT_EQ(Control().operation(1).iv(std::string(17, 'i')).send(fd, block), -EINVAL);
  EXPECT_EQ(Control().operation(1).add(ALG_SET_IV, "abc").send(fd, block), -EINVAL);
  EXPECT_EQ(Control().operation(1).add(ALG_SET_IV, std::string("\x10\0\0\0", 4) + "short").send(fd, block), -EINVAL);
  EXPECT_EQ(Control().add(ALG_SET_OP, "abc").send(fd, block), -EINVAL);
  EXPECT_EQ(Control().number(ALG_SET_KEY, 1).send(fd, block), -EINVAL);
  EXPECT_EQ(Control().number(99, 1).send(fd, block), -EINVAL);
  // Another level's are passed over. The last of two wins.
  EXPECT_EQ(Control().add(99, "other", SOL_SOCKET).operation(0).operation(1).iv(kIv).send(fd, block), 16);
  EXPECT_EQ(receive(fd, 16), encrypted("cbc(aes)", block));
}

TEST_F(AlgCipherTest, WithoutAnOperationDecrypts) {
  const std::string block(16, 'x'), sealed = encrypted("cbc(aes)", block);
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(Control().iv(kIv).send(fd, sealed), 16);
  EXPECT_EQ(receive(fd, 16), block);
  // Without any control message as before; the chain goes on.
  EXPECT_EQ(send_text(fd, sealed), 16);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
}

TEST_F(AlgCipherTest, AMessageMustBeReceivedBeforeTheNext) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(16, 'x')), 16);
  EXPECT_EQ(send_text(fd, std::string(16, 'x')), -EINVAL);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
  EXPECT_EQ(send_text(fd, std::string(16, 'x'), MSG_MORE), 16);
  EXPECT_EQ(send_text(fd, std::string(16, 'x')), 16);
  EXPECT_EQ(receive(fd, 32).size(), 32u);
}

TEST_F(AlgCipherTest, ReadsAreCutAtBlocksAndTheChainGoesOn) {
  const std::string text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL";
  for (const char* name : {"cbc(aes)", "ctr(aes)"}) {
    const std::string whole = encrypted(name, text);
    const Fd fd = operation("skcipher", name, kKey);
    EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, text), 48);
    EXPECT_EQ(receive(fd, 20), whole.substr(0, 16)) << name;
    // Not even one block: nothing is done, and nothing lost.
    EXPECT_EQ(receive(fd, 10), "EINVAL") << name;
    EXPECT_EQ(receive(fd, 100), whole.substr(16)) << name;
    EXPECT_EQ(receive(fd, 16), "EAGAIN") << name;
  }
}

TEST_F(AlgCipherTest, XtsAndChaChaStartOverAtEachRead) {
  const std::string half(64, 'x');
  for (const char* name : {"chacha20"}) {
    const Fd fd = operation("skcipher", name, std::string(32, 'k'));
    EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, half + half), 128);
    const std::string first = receive(fd, 64);
    EXPECT_EQ(receive(fd, 64), first) << name;
  }
}

TEST_F(AlgCipherTest, WithMoreToComeWholeBlocksAreGivenAndTheRestWaits) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(receive(fd, 16), "EAGAIN");
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(20, 'x'), MSG_MORE), 20);
  EXPECT_EQ(receive(fd, 64).size(), 16u);
  EXPECT_EQ(receive(fd, 64), "EAGAIN");
  EXPECT_EQ(send_text(fd, std::string(12, 'x')), 12);
  EXPECT_EQ(receive(fd, 64).size(), 16u);
}

TEST_F(AlgCipherTest, WhatIsNoWholeNumberOfBlocksIsRefusedAndGone) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(20, 'x')), 20);
  EXPECT_EQ(receive(fd, 64), "EINVAL");
  EXPECT_EQ(receive(fd, 64), "EAGAIN");
  EXPECT_EQ(send_text(fd, std::string(16, 'x')), 16);
  EXPECT_EQ(receive(fd, 64).size(), 16u);
}

TEST_F(AlgCipherTest, AnEmptyMessageGivesNothing) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, ""), 0);
  EXPECT_EQ(receive(fd, 16), "");
  EXPECT_EQ(receive(fd, 16), "EAGAIN");
  EXPECT_EQ(receive(fd, 0), "");
  const Fd xts = operation("skcipher", "xts(aes)", std::string(16, 'k') + std::string(16, 'l'));
  EXPECT_EQ(Control().operation(1).iv(kIv).send(xts, ""), 0);
  EXPECT_EQ(receive(xts, 16), "EINVAL");
}

TEST_F(AlgCipherTest, WhatCannotBeWrittenIsKept) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(16, 'x')), 16);
  EXPECT_EQ(answer(recv(fd, reinterpret_cast<void*>(8), 16, 0)), -EFAULT);
  EXPECT_EQ(receive(fd, 16), encrypted("cbc(aes)", std::string(16, 'x')));
}

TEST_F(AlgCipherTest, PollTellsOfRoomAndOfMessages) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const short writable = POLLOUT | POLLWRNORM | POLLWRBAND, readable = POLLIN | POLLRDNORM;
  EXPECT_EQ(poll_now(fd), readable | writable);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, "", MSG_MORE), 0);
  EXPECT_EQ(poll_now(fd), writable);
  EXPECT_EQ(send_text(fd, "x", MSG_MORE), 1);
  EXPECT_EQ(poll_now(fd), readable | writable);
}

TEST_F(AlgCipherTest, AFullBufferTakesNoMore) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const int size = 16384;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(32768, 'x'), MSG_MORE | MSG_DONTWAIT), 32768);
  EXPECT_EQ(send_text(fd, "x", MSG_MORE | MSG_DONTWAIT), -EAGAIN);
  EXPECT_EQ(poll_now(fd) & POLLOUT, 0);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
  EXPECT_EQ(send_text(fd, "x", MSG_MORE | MSG_DONTWAIT), -EAGAIN);
  EXPECT_EQ(receive(fd, 4080).size(), 4080u);
  EXPECT_NE(poll_now(fd) & POLLOUT, 0);
  // A page begun may be filled.
  EXPECT_EQ(send_text(fd, "x", MSG_MORE | MSG_DONTWAIT), 1);
  EXPECT_EQ(send_text(fd, std::string(8192, 'x'), MSG_MORE | MSG_DONTWAIT), 4095);
}

TEST_F(AlgCipherTest, ASpliceIntoAFullBufferWaitsForRoomUnlessItMayNot) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const int size = 4096;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  const std::string text(8192, 'x');
  ASSERT_EQ(Control().operation(1).iv(kIv).send(fd, text, MSG_MORE), 8192);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  ASSERT_EQ(write(writer, text.data(), 16), 16);
  ASSERT_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(answer(splice(reader, nullptr, fd, nullptr, 16, 0)), -EAGAIN);
  const std::string first = receive(fd, 8192);
  EXPECT_EQ(first.size(), 8192u);
  EXPECT_EQ(splice(reader, nullptr, fd, nullptr, 16, 0), 16);
  EXPECT_EQ(first + receive(fd, 16), encrypted("cbc(aes)", text + text.substr(0, 16)));
}

TEST_F(AlgCipherTest, WhatASpliceWasRefusedStaysInThePipe) {
  const Fd keyless = operation("skcipher", "cbc(aes)"), fd = operation("skcipher", "cbc(aes)", kKey);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  const std::string text(16, 'x');
  ASSERT_EQ(write(writer, text.data(), 16), 16);
  EXPECT_EQ(answer(splice(reader, nullptr, keyless, nullptr, 16, 0)), -ENOKEY);
  // A message waits, and no other may begin.
  ASSERT_EQ(Control().operation(1).iv(kIv).send(fd, text, 0), 16);
  EXPECT_EQ(answer(splice(reader, nullptr, fd, nullptr, 16, 0)), -EINVAL);
  EXPECT_EQ(receive(fd, 16), encrypted("cbc(aes)", text));
  std::string left(16, 0);
  EXPECT_EQ(read(reader, left.data(), 16), 16);
  EXPECT_EQ(left, text);
}

// Sleeping, as /proc/PID/stat has it: in the one call it makes.
bool is_asleep(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name = text.rfind(')');
  return name != std::string::npos && text.substr(name + 2, 1) == "S";
}

TEST_F(AlgCipherTest, ASenderWaitsForRoom) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const int size = 4096;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  const std::string full(8192, 'x'), more(4096, 'y');
  ASSERT_EQ(Control().operation(1).iv(kIv).send(fd, full, MSG_MORE), 8192);
  const pid_t sender = fork();
  if (sender == 0) _exit(send(fd, more.data(), more.size(), 0) == 4096 ? 0 : 1);
  while (!is_asleep(sender)) sched_yield();
  // While one waits another may not send.
  EXPECT_EQ(send_text(fd, "x", MSG_DONTWAIT | MSG_MORE), -EBUSY);
  std::string got = receive(fd, 4096);
  int status = -1;
  EXPECT_EQ(waitpid(sender, &status, 0), sender);
  EXPECT_EQ(status, 0);
  got += receive(fd, 8192);
  EXPECT_EQ(got, encrypted("cbc(aes)", full + more));
}

// What was cut short had not said yet that there is more.
TEST_F(AlgCipherTest, ASendCutShortEndsTheMessage) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  const int size = 16384;
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(100000, 'x'), MSG_MORE | MSG_DONTWAIT), 32768);
  EXPECT_EQ(send_text(fd, "x", MSG_MORE | MSG_DONTWAIT), -EINVAL);
  EXPECT_EQ(receive(fd, 32768).size(), 32768u);
}

TEST_F(AlgCipherTest, WaitingForAMessageEndsWithASignal) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  const itimerval soon{{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &soon, nullptr);
  EXPECT_EQ(receive(fd, 16, 0), "EINTR");
  // More room than there is data waits for the next message; what came is the answer.
  EXPECT_EQ(Control().operation(1).iv(kIv).send(fd, std::string(16, 'x')), 16);
  setitimer(ITIMER_REAL, &soon, nullptr);
  EXPECT_EQ(receive(fd, 32, 0).size(), 16u);
}

class AlgAeadTest : public AlgTest {
 protected:
  const std::string iv_ = std::string(12, 'n');
};

TEST_F(AlgAeadTest, PassesAssociatedDataThroughAndAppendsTheTag) {
  const Fd fd = operation("aead", "gcm(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(iv_).associated(4).send(fd, "headtext"), 8);
  const std::string sealed = receive(fd, 24);
  ASSERT_EQ(sealed.size(), 24u);
  EXPECT_EQ(sealed.substr(0, 4), "head");
  EXPECT_EQ(Control().operation(0).iv(iv_).associated(4).send(fd, sealed), 24);
  EXPECT_EQ(receive(fd, 8), "headtext");
  std::string wrong = sealed;
  wrong[23] = static_cast<char>(wrong[23] ^ 1);
  EXPECT_EQ(Control().operation(0).iv(iv_).associated(4).send(fd, wrong), 24);
  EXPECT_EQ(receive(fd, 8), "EBADMSG");
  EXPECT_EQ(receive(fd, 8), "EAGAIN");
}

TEST_F(AlgAeadTest, WaitsForTheEndAndForEnough) {
  const Fd fd = operation("aead", "gcm(aes)", kKey);
  EXPECT_EQ(receive(fd, 8), "EAGAIN");
  EXPECT_EQ(Control().operation(1).iv(iv_).associated(8).send(fd, "head", MSG_MORE), 4);
  EXPECT_EQ(receive(fd, 64), "EAGAIN");
  EXPECT_EQ(send_text(fd, "h"), 1);
  EXPECT_EQ(receive(fd, 64), "EINVAL");
  // It was not consumed: the next message may not begin.
  EXPECT_EQ(send_text(fd, "ead"), -EINVAL);
}

TEST_F(AlgAeadTest, WithLittleRoomWorksOnThatMuchLess) {
  const Fd fd = operation("aead", "gcm(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(iv_).associated(4).send(fd, "headtext"), 8);
  EXPECT_EQ(receive(fd, 19), "EINVAL");
  const std::string part = receive(fd, 22);
  EXPECT_EQ(part.size(), 22u);
  EXPECT_EQ(part.substr(0, 4), "head");
  const Fd other = operation("aead", "gcm(aes)", kKey);
  EXPECT_EQ(Control().operation(1).iv(iv_).associated(4).send(other, "headte"), 6);
  EXPECT_EQ(receive(other, 22), part);
}

TEST_F(AlgAeadTest, ANewTagSizeIsTheNextOperations) {
  const Fd parent = bound("aead", "gcm(aes)");
  ASSERT_EQ(set_key(parent, kKey), 0);
  ASSERT_EQ(set_tag_size(parent, 8), 0);
  const Fd fd = alg_accept(parent);
  EXPECT_EQ(set_tag_size(parent, 12), -EBUSY);
  EXPECT_EQ(Control().operation(1).iv(iv_).send(fd, "text"), 4);
  EXPECT_EQ(receive(fd, 12).size(), 12u);
}

TEST_F(AlgAeadTest, IpsecsFormsWantAnEspHeader) {
  const Fd fd = operation("aead", "rfc4106(gcm(aes))", std::string(20, 'k'));
  const std::string text(36, 't');
  EXPECT_EQ(Control().operation(1).iv("12345678").associated(12).send(fd, text), 36);
  EXPECT_EQ(receive(fd, 52), "EINVAL");
  EXPECT_EQ(Control().operation(1).iv("12345678").associated(16).send(fd, text), 36);
  EXPECT_EQ(receive(fd, 52).size(), 52u);
}

TEST_F(AlgAeadTest, CcmsIvSaysHowLongALengthIs) {
  const Fd fd = operation("aead", "ccm(aes)", kKey);
  for (const char first : {'\0', '\x08'}) {
    EXPECT_EQ(Control().operation(1).iv(first + std::string(15, 'n')).send(fd, "text"), 4);
    EXPECT_EQ(receive(fd, 20), "EINVAL");
  }
  EXPECT_EQ(Control().operation(1).iv('\x01' + std::string(15, 'n')).send(fd, "text"), 4);
  EXPECT_EQ(receive(fd, 20).size(), 20u);
}

TEST_F(AlgAeadTest, WithoutItsKeySaysSo) {
  const Fd parent = bound("aead", "gcm(aes)");
  const Fd fd = alg_accept(parent);
  EXPECT_EQ(send_text(fd, "x"), -ENOKEY);
  EXPECT_EQ(receive(fd, 1), "ENOKEY");
  EXPECT_EQ(set_tag_size(parent, 12), 0);
  EXPECT_EQ(set_key(parent, kKey), 0);
  EXPECT_EQ(Control().operation(1).iv(iv_).send(fd, "text"), 4);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
}

class AlgRngTest : public AlgTest {};

TEST_F(AlgRngTest, IsSeededByItsKeyAndThenDrawnFrom) {
  const Fd parent = bound("rng", "drbg_nopr_hmac_sha256");
  const Fd early = alg_accept(parent);
  EXPECT_EQ(receive(early, 0), "");
  EXPECT_EQ(receive(early, 16), "EINVAL");
  EXPECT_EQ(set_key(parent, ""), -EBUSY);
}

TEST_F(AlgRngTest, GivesAtMostSoMuchAtATime) {
  const Fd parent = bound("rng", "stdrng");
  ASSERT_EQ(set_key(parent, "personal"), 0);
  const Fd fd = alg_accept(parent);
  const std::string first = receive(fd, 1000), second = receive(fd, 1000);
  EXPECT_EQ(first.size(), 128u);
  EXPECT_EQ(second.size(), 128u);
  EXPECT_NE(first, second);
  EXPECT_EQ(receive(fd, 5).size(), 5u);
  EXPECT_EQ(send_text(fd, "x"), -EOPNOTSUPP);
  EXPECT_EQ(poll_now(fd), 0);
  EXPECT_EQ(answer(accept(fd, nullptr, nullptr)), -EOPNOTSUPP);
}

}  // namespace
}  // namespace conformance
