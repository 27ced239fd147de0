// Memory that is not the program's, in every argument that names some; and what stands then.
#include <sys/uio.h>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

using AlgPointerTest = AlgTest;

const std::string kKey(16, 'k'), kIv(16, 'i'), kBlock(16, 'x');

void* nowhere() { return reinterpret_cast<void*>(8); }

msghdr message_of(iovec& vector, void* control, size_t control_size) {
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = control_size;
  return header;
}

TEST_F(AlgPointerTest, AnAddressIsReadWhole) {
  const Fd fd = alg_socket();
  EXPECT_EQ(answer(bind(fd, nullptr, sizeof(sockaddr_alg))), -EFAULT);
  EXPECT_EQ(answer(bind(fd, static_cast<sockaddr*>(nowhere()), sizeof(sockaddr_alg))), -EFAULT);
  EXPECT_EQ(answer(bind(fd, static_cast<sockaddr*>(nowhere()), 4096)), -EINVAL);
  EXPECT_EQ(answer(bind(fd, nullptr, 0)), -EINVAL);
}

// Of a key that could not be read nothing is taken, and the one that was there stays.
TEST_F(AlgPointerTest, AKeyThatCannotBeReadChangesNothing) {
  const Fd fd = bound("skcipher", "cbc(aes)");
  EXPECT_EQ(set_key(fd, kKey), 0);
  EXPECT_EQ(answer(setsockopt(fd, SOL_ALG, ALG_SET_KEY, nowhere(), 16)), -EFAULT);
  EXPECT_EQ(answer(setsockopt(fd, SOL_ALG, ALG_SET_KEY, nowhere(), static_cast<socklen_t>(-1))), -EINVAL);
  const Fd operation = alg_accept(fd);
  EXPECT_EQ(Control().operation(ALG_OP_ENCRYPT).iv(kIv).send(operation, kBlock), 16);
  EXPECT_EQ(receive(operation, 16).size(), 16u);
}

TEST_F(AlgPointerTest, AKeyOfNoBytesNeedsNoMemory) {
  const Fd cipher = bound("skcipher", "cbc(aes)"), mac = bound("hash", "hmac(sha1)");
  EXPECT_EQ(answer(setsockopt(cipher, SOL_ALG, ALG_SET_KEY, nullptr, 0)), -EINVAL) << "no size of aes's";
  EXPECT_EQ(answer(setsockopt(mac, SOL_ALG, ALG_SET_KEY, nullptr, 0)), 0);
}

TEST_F(AlgPointerTest, ControlMessagesThatCannotBeReadBeginNoMessage) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  std::string text = kBlock;
  iovec vector{text.data(), text.size()};
  for (void* const control : {static_cast<void*>(nullptr), nowhere()}) {
    const msghdr header = message_of(vector, control, 64);
    EXPECT_EQ(answer(sendmsg(fd, &header, 0)), -EFAULT);
  }
  EXPECT_EQ(Control().operation(ALG_OP_ENCRYPT).iv(kIv).send(fd, kBlock), 16);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
}

// A message whose control was good has begun, though its text could not be read.
TEST_F(AlgPointerTest, TextThatCannotBeReadIsNone) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  EXPECT_EQ(answer(send(fd, nowhere(), 16, MSG_MORE)), -EFAULT);
  EXPECT_EQ(Control().operation(ALG_OP_ENCRYPT).iv(kIv).send(fd, kBlock, MSG_MORE), 16);
  EXPECT_EQ(answer(send(fd, nowhere(), 16, MSG_MORE)), -EFAULT);
  EXPECT_EQ(receive(fd, 16).size(), 16u);
  iovec vectors[] = {{const_cast<char*>(kBlock.data()), 16}, {nowhere(), 16}};
  EXPECT_EQ(answer(writev(fd, vectors, 2)), -EFAULT);
}

// Control messages that are cut short, or say they are longer than they are.
TEST_F(AlgPointerTest, ControlMessagesOfAWrongLength) {
  const Fd fd = operation("skcipher", "cbc(aes)", kKey);
  struct Case {
    size_t length, room;
    long answer;
  };
  const Case cases[] = {{0, CMSG_SPACE(4), -EINVAL},
                        {sizeof(cmsghdr) - 1, CMSG_SPACE(4), -EINVAL},
                        {CMSG_LEN(4) + 100, CMSG_SPACE(4), -EINVAL},
                        {SIZE_MAX, CMSG_SPACE(4), -EINVAL},
                        {CMSG_LEN(3), CMSG_SPACE(4), -EINVAL}};
  for (const Case& row : cases) {
    alignas(cmsghdr) char control[64] = {};
    const cmsghdr head{row.length, SOL_ALG, ALG_SET_OP};
    memcpy(control, &head, sizeof head);
    std::string text = kBlock;
    iovec vector{text.data(), text.size()};
    const msghdr header = message_of(vector, control, row.room);
    EXPECT_EQ(answer(sendmsg(fd, &header, 0)), row.answer) << row.length;
  }
}

}  // namespace
}  // namespace conformance
