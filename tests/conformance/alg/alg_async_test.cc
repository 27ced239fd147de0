// io_submit() on operation sockets, as OpenSSL's afalg engine uses it: a read is submitted, an eventfd tells, io_getevents() says
// how much came.
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

class AlgAsyncTest : public AlgTest {
 protected:
  void SetUp() override {
    AlgTest::SetUp();
    if (!IsSkipped() && syscall(SYS_io_setup, 1, &context_) != 0) GTEST_SKIP() << "this kernel has no io_setup()";
  }
  void TearDown() override {
    if (context_ != 0) syscall(SYS_io_destroy, context_);
  }

  // What io_submit() says, and then the event's result.
  std::pair<long, long> read_async(int fd, std::string& room) {
    const Fd told(eventfd(0, EFD_CLOEXEC));
    iocb body{};
    body.aio_lio_opcode = IOCB_CMD_PREAD;
    body.aio_fildes = static_cast<uint32_t>(fd);
    body.aio_buf = reinterpret_cast<uint64_t>(room.data());
    body.aio_nbytes = room.size();
    body.aio_flags = IOCB_FLAG_RESFD;
    body.aio_resfd = static_cast<uint32_t>(static_cast<int>(told));
    iocb* list[] = {&body};
    const long submitted = answer(syscall(SYS_io_submit, context_, 1, list));
    if (submitted != 1) return {submitted, 0};
    uint64_t count = 0;
    EXPECT_EQ(read(told, &count, sizeof count), 8);
    EXPECT_EQ(count, 1u);
    io_event event{};
    timespec no_time{};
    EXPECT_EQ(answer(syscall(SYS_io_getevents, context_, 1, 1, &event, &no_time)), 1);
    EXPECT_EQ(event.obj, reinterpret_cast<uint64_t>(&body));
    return {submitted, static_cast<long>(event.res)};
  }

  aio_context_t context_ = 0;
};

using Answers = std::pair<long, long>;

// NIST SP 800-38A, F.2.1.
TEST_F(AlgAsyncTest, ACiphertextIsRead) {
  const std::string key = "\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";
  const std::string text = "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a";
  std::string iv(16, '\0'), room(16, '\0');
  for (size_t i = 0; i < 16; ++i) iv[i] = static_cast<char>(i);
  const Fd fd = operation("skcipher", "cbc(aes)", key);
  ASSERT_EQ(Control().operation(ALG_OP_ENCRYPT).iv(iv).send(fd, text), 16);
  EXPECT_EQ(read_async(fd, room), Answers(1, 16));
  EXPECT_EQ(hex(room), "7649abac8119b246cee98e9b12e9197d");
}

TEST_F(AlgAsyncTest, AWrongTagIsAnEventToo) {
  const Fd fd = operation("aead", "gcm(aes)", std::string(16, 'k'));
  ASSERT_EQ(Control().operation(ALG_OP_DECRYPT).iv(std::string(12, 'i')).associated(0).send(fd, std::string(32, 'x')), 32);
  std::string room(16, '\0');
  EXPECT_EQ(read_async(fd, room), Answers(1, -EBADMSG));
}

TEST_F(AlgAsyncTest, ADigestIsRead) {
  const Fd fd = operation("hash", "sha1");
  ASSERT_EQ(send_text(fd, "abc"), 3);
  std::string room(20, '\0');
  EXPECT_EQ(read_async(fd, room), Answers(1, 20));
  EXPECT_EQ(hex(room), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST_F(AlgAsyncTest, WithoutAKeyItIsRefused) {
  const Fd fd = operation("skcipher", "cbc(aes)");
  std::string room(16, '\0');
  EXPECT_EQ(read_async(fd, room), Answers(1, -ENOKEY));
}

}  // namespace
}  // namespace conformance
