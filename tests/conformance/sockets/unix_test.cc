// AF_UNIX: names, streams, datagrams, sequenced packets, credentials and descriptors.
#include <gtest/gtest.h>
#include <sys/uio.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

struct Name {
  sockaddr_un address{};
  socklen_t length = 0;
};
Name abstract_name(const std::string& text) {
  Name name;
  name.address.sun_family = AF_UNIX;
  const std::string unique = text + std::to_string(::getpid());
  unique.copy(name.address.sun_path + 1, unique.size());
  name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + unique.size());
  return name;
}
long bind_name(int fd, const Name& name) {
  return answer(::bind(fd, reinterpret_cast<const sockaddr*>(&name.address), name.length));
}
long connect_name(int fd, const Name& name) {
  return answer(::connect(fd, reinterpret_cast<const sockaddr*>(&name.address), name.length));
}

struct Pair {
  Fd a, b;
};
Pair make_pair_of(int type) {
  int ends[2] = {-1, -1};
  ::socketpair(AF_UNIX, type, 0, ends);
  return {Fd(ends[0]), Fd(ends[1])};
}

TEST(UnixTest, AStreamMergesWhatADatagramKeepsApart) {
  char buffer[16];
  Pair stream = make_pair_of(SOCK_STREAM);
  ::send(stream.a, "ab", 2, 0);
  ::send(stream.a, "cd", 2, 0);
  EXPECT_EQ(::recv(stream.b, buffer, sizeof buffer, 0), 4);
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    Pair pair = make_pair_of(type);
    ::send(pair.a, "ab", 2, 0);
    ::send(pair.a, "cd", 2, 0);
    EXPECT_EQ(::recv(pair.b, buffer, sizeof buffer, 0), 2);
    EXPECT_EQ(::recv(pair.b, buffer, 1, MSG_TRUNC), 2);
    EXPECT_EQ(answer(::recv(pair.b, buffer, 1, MSG_DONTWAIT)), -EAGAIN);
  }
}

TEST(UnixTest, TheEndOfAStreamIsZeroAndWritingToItEpipe) {
  Pair pair = make_pair_of(SOCK_STREAM);
  ::send(pair.a, "x", 1, 0);
  pair.a.reset();
  char byte;
  EXPECT_EQ(::recv(pair.b, &byte, 1, 0), 1);
  EXPECT_EQ(::recv(pair.b, &byte, 1, 0), 0);
  EXPECT_EQ(answer(::send(pair.b, "x", 1, MSG_NOSIGNAL)), -EPIPE);
}

TEST(UnixTest, ClosingWithUnreadBytesIsAReset) {
  Pair pair = make_pair_of(SOCK_STREAM);
  ::send(pair.a, "x", 1, 0);
  pair.b.reset();
  char byte;
  EXPECT_EQ(answer(::recv(pair.a, &byte, 1, 0)), -ECONNRESET);
  EXPECT_EQ(answer(::recv(pair.a, &byte, 1, 0)), 0);
}

TEST(UnixTest, AbstractNamesConnectAndClash) {
  const Name name = abstract_name("listen");
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(answer(::listen(listener, 1)), -EINVAL);
  ASSERT_EQ(bind_name(listener, name), 0);
  EXPECT_EQ(bind_name(listener, abstract_name("other")), -EINVAL);
  const Fd second(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(bind_name(second, name), -EADDRINUSE);
  EXPECT_EQ(connect_name(second, name), -ECONNREFUSED);
  ASSERT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(connect_name(second, name), 0);
  EXPECT_EQ(connect_name(second, name), -EISCONN);
  const Fd server(::accept(listener, nullptr, nullptr));
  EXPECT_GE(server, 0);
  const Fd datagram(::socket(AF_UNIX, SOCK_DGRAM, 0));
  EXPECT_EQ(connect_name(datagram, name), -ECONNREFUSED);
  sockaddr_un peer{};
  socklen_t length = sizeof peer;
  EXPECT_EQ(::getpeername(second, reinterpret_cast<sockaddr*>(&peer), &length), 0);
  EXPECT_EQ(length, name.length);
}

TEST(UnixTest, AutobindGivesFiveDigits) {
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(length, sizeof(sa_family_t) + 6);
  EXPECT_EQ(address.sun_path[0], 0);
}

TEST(UnixTest, AFullBacklogIsEagain) {
  const Name name = abstract_name("backlog");
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind_name(listener, name), 0);
  ASSERT_EQ(::listen(listener, 0), 0);
  const Fd first(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)), second(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(connect_name(first, name), 0);
  EXPECT_EQ(connect_name(second, name), -EAGAIN);
}

TEST(UnixTest, ErrorsOfUnconnectedSockets) {
  char byte = 0;
  const Fd stream(::socket(AF_UNIX, SOCK_STREAM, 0)), datagram(::socket(AF_UNIX, SOCK_DGRAM, 0)),
      packets(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  EXPECT_EQ(answer(::recv(stream, &byte, 1, 0)), -EINVAL);
  EXPECT_EQ(answer(::recv(packets, &byte, 1, 0)), -ENOTCONN);
  EXPECT_EQ(answer(::send(stream, &byte, 1, MSG_NOSIGNAL)), -ENOTCONN);
  EXPECT_EQ(answer(::send(datagram, &byte, 1, 0)), -ENOTCONN);
  EXPECT_EQ(answer(::listen(datagram, 1)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::accept(datagram, nullptr, nullptr)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::shutdown(stream, SHUT_RDWR)), 0);
}

TEST(UnixTest, ElevenDatagramsFillAReceiver) {
  const Name name = abstract_name("full");
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM, 0)), sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  ASSERT_EQ(bind_name(receiver, name), 0);
  ASSERT_EQ(connect_name(sender, name), 0);
  int sent = 0;
  while (::send(sender, "x", 1, 0) == 1) ++sent;
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(sent, 11);
  EXPECT_EQ(poll_now(sender, POLLOUT), 0);
  char byte;
  EXPECT_EQ(::recv(receiver, &byte, 1, 0), 1);
  EXPECT_EQ(poll_now(sender, POLLOUT), POLLOUT);
}

msghdr message_with(iovec& vector, void* control, size_t size) {
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = size;
  return message;
}

long send_descriptor(int through, int fd) {
  char byte = 'd';
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = message_with(vector, control, sizeof control);
  cmsghdr* cmsg = CMSG_FIRSTHDR(&message);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN(sizeof(int));
  *reinterpret_cast<int*>(CMSG_DATA(cmsg)) = fd;
  return answer(::sendmsg(through, &message, 0));
}

// The descriptor, or the negative flags when there was none.
int receive_descriptor(int through, size_t control_size = CMSG_SPACE(sizeof(int))) {
  char byte;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = message_with(vector, control, control_size);
  if (::recvmsg(through, &message, MSG_DONTWAIT) < 0) return -errno;
  cmsghdr* cmsg = CMSG_FIRSTHDR(&message);
  return cmsg == nullptr ? -message.msg_flags : *reinterpret_cast<int*>(CMSG_DATA(cmsg));
}

TEST(UnixTest, DescriptorsOfEveryKindArrive) {
  Pair pair = make_pair_of(SOCK_STREAM), carried = make_pair_of(SOCK_STREAM);
  ASSERT_EQ(send_descriptor(pair.a, carried.b), 1);
  carried.b.reset();
  const Fd arrived(receive_descriptor(pair.b));
  ASSERT_GE(arrived, 0);
  EXPECT_EQ(::send(carried.a, "hi", 2, 0), 2);
  char buffer[4];
  EXPECT_EQ(::recv(arrived, buffer, sizeof buffer, 0), 2);

  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd read_end(ends[0]), write_end(ends[1]);
  ASSERT_EQ(send_descriptor(pair.a, write_end), 1);
  const Fd arrived_pipe(receive_descriptor(pair.b));
  ASSERT_GE(arrived_pipe, 0);
  EXPECT_EQ(::write(arrived_pipe, "p", 1), 1);
  EXPECT_EQ(::read(read_end, buffer, 1), 1);
}

TEST(UnixTest, SocketsThatOnlyHoldEachOtherCanBeMadeWithoutEnd) {
  // Each round leaves a cycle that nobody can reach; a kernel that never frees them runs out of files or memory.
  for (int round = 0; round < 2000; ++round) {
    Pair pair = make_pair_of(SOCK_DGRAM);
    ASSERT_EQ(send_descriptor(pair.a, pair.b), 1) << round;
    ASSERT_EQ(send_descriptor(pair.b, pair.a), 1) << round;
  }
}

TEST(UnixTest, BadDescriptorsAreRefusedAndLostRoomIsSaid) {
  Pair pair = make_pair_of(SOCK_DGRAM);
  EXPECT_EQ(send_descriptor(pair.a, 9999), -EBADF);
  ASSERT_EQ(send_descriptor(pair.a, pair.a), 1);
  EXPECT_EQ(receive_descriptor(pair.b, 0), -MSG_CTRUNC);
}

TEST(UnixTest, CredentialsAreOfThisProcess) {
  Pair pair = make_pair_of(SOCK_STREAM);
  ucred who{};
  socklen_t length = sizeof who;
  ASSERT_EQ(::getsockopt(pair.a, SOL_SOCKET, SO_PEERCRED, &who, &length), 0);
  EXPECT_EQ(who.pid, ::getpid());
  EXPECT_EQ(who.uid, ::geteuid());
  const int on = 1;
  ASSERT_EQ(::setsockopt(pair.b, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  ASSERT_EQ(::send(pair.a, "x", 1, 0), 1);
  char byte;
  iovec vector{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message = message_with(vector, control, sizeof control);
  ASSERT_EQ(::recvmsg(pair.b, &message, 0), 1);
  cmsghdr* cmsg = CMSG_FIRSTHDR(&message);
  ASSERT_NE(cmsg, nullptr);
  EXPECT_EQ(cmsg->cmsg_type, SCM_CREDENTIALS);
  EXPECT_EQ(reinterpret_cast<ucred*>(CMSG_DATA(cmsg))->pid, ::getpid());
}

TEST(UnixTest, PollTellsTheHalvesOfAStream) {
  Pair pair = make_pair_of(SOCK_STREAM);
  constexpr short kAll = POLLIN | POLLOUT | POLLRDHUP;
  EXPECT_EQ(poll_now(pair.a, kAll), POLLOUT);
  ::shutdown(pair.b, SHUT_WR);
  EXPECT_EQ(poll_now(pair.a, kAll), POLLIN | POLLOUT | POLLRDHUP);
  pair.b.reset();
  EXPECT_EQ(poll_now(pair.a, kAll), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
  EXPECT_EQ(poll_now(Fd(::socket(AF_UNIX, SOCK_STREAM, 0)), kAll), POLLOUT | POLLHUP);
}

}  // namespace
}  // namespace conformance
