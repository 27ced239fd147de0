// One request at a time: what it answers, and what it leaves behind.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <string>

#include "tests/conformance/uring/ring.hh"

namespace lxnet::uring_test {
namespace {

class SocketRequest : public UringTest {};

constexpr auto kNonEmpty = IORING_CQE_F_SOCK_NONEMPTY;

TEST_F(SocketRequest, SendAndReceiveMoveBytes) {
  Ring ring;
  const Pair pair = connected();
  char text[16] = "hello", got[16] = {};
  io_uring_sqe& send = ring.next(IORING_OP_SEND, pair.one, 1);
  send.addr = address_of(text);
  send.len = 5;
  EXPECT_EQ(ring.run(), 5);
  io_uring_sqe& receive = ring.next(IORING_OP_RECV, pair.other, 2);
  receive.addr = address_of(got);
  receive.len = sizeof got;
  EXPECT_EQ(ring.run(), 5);
  EXPECT_STREQ(got, "hello");
}

TEST_F(SocketRequest, ThatIsDoneAtOnceHasCompletedWhenTheCallReturns) {
  Ring ring;
  const Pair pair = connected();
  char text[4] = "abc", got[4] = {};
  for (uint64_t i = 0; i < 3; i++) {
    io_uring_sqe& send = ring.next(IORING_OP_SEND, pair.one, i);
    send.addr = address_of(text);
    send.len = 1;
  }
  io_uring_sqe& receive = ring.next(IORING_OP_RECV, pair.other, 3);
  receive.addr = address_of(got);
  receive.len = 2;
  EXPECT_EQ(ring.submit(), 4);
  const std::vector<Completion> expected = {{0, 1, 0}, {1, 1, 0}, {2, 1, 0}, {3, 2, kNonEmpty}};
  EXPECT_EQ(ring.await(4), expected);
}

TEST_F(SocketRequest, ReceivingSaysWhetherThereIsMore) {
  Ring ring;
  const Pair pair = connected();
  char got[4];
  const auto receive = [&](unsigned size) {
    io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.other, 7);
    entry.addr = address_of(got);
    entry.len = size;
    EXPECT_EQ(ring.submit(1), 1);
    const auto taken = ring.await(1);
    return taken.empty() ? Completion{} : taken[0];
  };
  EXPECT_EQ(::send(pair.one, "abc", 3, 0), 3);
  EXPECT_EQ(receive(2), (Completion{7, 2, kNonEmpty}));
  EXPECT_EQ(receive(2), (Completion{7, 1, 0}));
  ::close(pair.one);
  EXPECT_EQ(receive(2), (Completion{7, 0, kNonEmpty}));
  const Pair datagram = datagrams();
  EXPECT_EQ(::send(datagram.one, "a", 1, 0), 1);
  EXPECT_EQ(::send(datagram.one, "b", 1, 0), 1);
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, datagram.other, 8);
  entry.addr = address_of(got);
  entry.len = 1;
  EXPECT_EQ(ring.submit(1), 1);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{8, 1, 0}}));
}

TEST_F(SocketRequest, WaitsOnASocketThatDoesNotBlock) {
  Ring ring;
  const Pair pair = connected(SOCK_NONBLOCK);
  char got[8] = {};
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.other, 1);
  entry.addr = address_of(got);
  entry.len = sizeof got;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::send(pair.one, "late", 4, 0), 4);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{1, 4, 0}}));
  EXPECT_STREQ(got, "late");
  EXPECT_EQ(::fcntl(pair.other, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(SocketRequest, DoesNotWaitWithDontWait) {
  Ring ring;
  const Pair pair = connected();
  char got[8];
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.other, 1);
  entry.addr = address_of(got);
  entry.len = sizeof got;
  entry.msg_flags = MSG_DONTWAIT;
  EXPECT_EQ(ring.run(), -EAGAIN);
}

TEST_F(SocketRequest, ReadAndWriteTakeNoPositions) {
  Ring ring;
  const Pair pair = connected();
  char text[4] = "abc", got[8] = {};
  const auto transfer = [&](uint8_t opcode, int fd, const void* memory, unsigned size, uint64_t position) {
    io_uring_sqe& entry = ring.next(opcode, fd, 1);
    entry.addr = address_of(memory);
    entry.len = size;
    entry.off = position;
    return ring.run();
  };
  EXPECT_EQ(transfer(IORING_OP_WRITE, pair.one, text, 3, UINT64_MAX), 3);
  EXPECT_EQ(transfer(IORING_OP_WRITE, pair.one, text, 3, 0), 3);
  EXPECT_EQ(transfer(IORING_OP_WRITE, pair.one, text, 3, 5), -ESPIPE);
  iovec pieces[2] = {{got, 2}, {got + 2, 6}};
  EXPECT_EQ(transfer(IORING_OP_READV, pair.other, pieces, 2, 0), 6);
  EXPECT_STREQ(got, "abcabc");
  iovec sent[2] = {{text, 1}, {text + 2, 1}};
  EXPECT_EQ(transfer(IORING_OP_WRITEV, pair.other, sent, 2, UINT64_MAX), 2);
  EXPECT_EQ(transfer(IORING_OP_READ, pair.one, got, 8, UINT64_MAX), 2);
  EXPECT_EQ(got[1], 'c');
}

TEST_F(SocketRequest, MessagesHaveNamesAndHeaders) {
  Ring ring;
  const Pair pair = datagrams();
  char text[] = "datagram", got[4] = {};
  sockaddr_in to = {}, from = {};
  socklen_t size = sizeof to;
  ::getsockname(pair.other, reinterpret_cast<sockaddr*>(&to), &size);
  iovec sent = {text, 8}, received = {got, sizeof got};
  msghdr header = {};
  header.msg_name = &to;
  header.msg_namelen = sizeof to;
  header.msg_iov = &sent;
  header.msg_iovlen = 1;
  ring.next(IORING_OP_SENDMSG, pair.one, 1).addr = address_of(&header);
  EXPECT_EQ(ring.run(), 8);
  char control[64];
  msghdr answer = {};
  answer.msg_name = &from;
  answer.msg_namelen = 128;
  answer.msg_iov = &received;
  answer.msg_iovlen = 1;
  answer.msg_control = control;
  answer.msg_controllen = sizeof control;
  ring.next(IORING_OP_RECVMSG, pair.other, 2).addr = address_of(&answer);
  EXPECT_EQ(ring.run(), 4);
  EXPECT_EQ(answer.msg_flags, MSG_TRUNC);
  EXPECT_EQ(answer.msg_namelen, sizeof from);
  EXPECT_EQ(answer.msg_controllen, 0u);
  EXPECT_EQ(from.sin_family, AF_INET);
  EXPECT_EQ(std::string(got, 4), "data");
}

TEST_F(SocketRequest, KeepsWhatItsHeaderSaidWhenItWasHandedIn) {
  Ring ring;
  const Pair pair = datagrams();
  char got[8] = {};
  iovec received = {got, sizeof got};
  msghdr answer = {};
  answer.msg_iov = &received;
  answer.msg_iovlen = 1;
  ring.next(IORING_OP_RECVMSG, pair.other, 2).addr = address_of(&answer);
  EXPECT_EQ(ring.submit(), 1);
  received = {nullptr, 0};
  answer.msg_iov = nullptr;
  EXPECT_EQ(::send(pair.one, "kept", 4, 0), 4);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{2, 4, 0}}));
  EXPECT_STREQ(got, "kept");
}

TEST_F(SocketRequest, SendTakesAnAddress) {
  Ring ring;
  const int receiver = datagrams().other;
  const int sender = ::socket(AF_INET, SOCK_DGRAM, 0), bound = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof to;
  EXPECT_EQ(::bind(bound, reinterpret_cast<sockaddr*>(&to), size), 0);
  ::getsockname(bound, reinterpret_cast<sockaddr*>(&to), &size);
  io_uring_sqe& entry = ring.next(IORING_OP_SEND, sender, 1);
  entry.addr = address_of("to you");
  entry.len = 6;
  entry.addr2 = address_of(&to);
  entry.addr_len = sizeof to;
  EXPECT_EQ(ring.run(), 6);
  char got[8];
  EXPECT_EQ(::recv(bound, got, sizeof got, MSG_DONTWAIT), 6);
  ::close(receiver);
}

TEST_F(SocketRequest, MakesConnects) {
  Ring ring;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const auto make = [&](int flags) {
    io_uring_sqe& entry = ring.next(IORING_OP_SOCKET, AF_INET, 1);
    entry.off = static_cast<uint64_t>(SOCK_STREAM | flags);
    return ring.run();
  };
  const int listening = make(0), client = make(SOCK_CLOEXEC | SOCK_NONBLOCK);
  ASSERT_GE(listening, 0);
  ASSERT_GE(client, 0);
  EXPECT_EQ(::fcntl(client, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(client, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  io_uring_sqe& bind = ring.next(kOpBind, listening, 2);
  bind.addr = address_of(&address);
  bind.addr2 = sizeof address;
  const int32_t bound = ring.run();
  if (bound == -EINVAL) GTEST_SKIP() << "older than binding by a ring";
  EXPECT_EQ(bound, 0);
  ring.next(kOpListen, listening, 3).len = 4;
  EXPECT_EQ(ring.run(), 0);
  EXPECT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size), 0);
  io_uring_sqe& connect = ring.next(IORING_OP_CONNECT, client, 4);
  connect.addr = address_of(&address);
  connect.addr2 = sizeof address;
  EXPECT_EQ(ring.run(), 0);
  io_uring_sqe& again = ring.next(IORING_OP_CONNECT, client, 4);
  again.addr = address_of(&address);
  again.addr2 = sizeof address;
  EXPECT_EQ(ring.run(), -EISCONN);
  sockaddr_in peer = {};
  size = sizeof peer;
  io_uring_sqe& accept = ring.next(IORING_OP_ACCEPT, listening, 5);
  accept.addr = address_of(&peer);
  accept.addr2 = address_of(&size);
  accept.accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int accepted = ring.run();
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(::fcntl(accepted, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(accepted, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  sockaddr_in own = {};
  socklen_t own_size = sizeof own;
  EXPECT_EQ(::getsockname(client, reinterpret_cast<sockaddr*>(&own), &own_size), 0);
  EXPECT_EQ(peer.sin_port, own.sin_port);
}

TEST_F(SocketRequest, ConnectingToNobodyIsRefused) {
  Ring ring;
  sockaddr_in address;
  ::close(listener(address));
  for (const int flags : {0, int{SOCK_NONBLOCK}}) {
    const int client = ::socket(AF_INET, SOCK_STREAM | flags, 0);
    io_uring_sqe& connect = ring.next(IORING_OP_CONNECT, client, 4);
    connect.addr = address_of(&address);
    connect.addr2 = sizeof address;
    EXPECT_EQ(ring.run(), -ECONNREFUSED);
  }
}

TEST_F(SocketRequest, AcceptWaitsAndGivesANumber) {
  Ring ring;
  sockaddr_in address;
  const int listening = listener(address);
  ring.next(IORING_OP_ACCEPT, listening, 9);
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_TRUE(ring.take().empty());
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::vector<Completion> taken = ring.await(1);
  ASSERT_EQ(taken.size(), 1u);
  ASSERT_GE(taken[0].result, 0);
  EXPECT_EQ(::send(client, "x", 1, 0), 1);
  char got[4];
  EXPECT_EQ(::recv(taken[0].result, got, sizeof got, 0), 1);
  ::close(taken[0].result);
  EXPECT_EQ(::recv(client, got, sizeof got, 0), 0);
}

// Nobody here makes any other call, and who connects is another process.
TEST_F(SocketRequest, OneAcceptGivesManyToWhomOnlyWaitsForThem) {
  constexpr int kClients = 3;
  constexpr useconds_t kUntilTheOtherWaits = 20'000;
  Ring ring;
  sockaddr_in address;
  const int listening = listener(address);
  ring.next(IORING_OP_ACCEPT, listening, 9).ioprio = IORING_ACCEPT_MULTISHOT;
  EXPECT_EQ(ring.submit(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < kClients; i++) {
      ::usleep(kUntilTheOtherWaits);
      const int client = ::socket(AF_INET, SOCK_STREAM, 0);
      if (::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(1);
    }
    ::_exit(0);
  }
  for (int i = 0; i < kClients; i++) {
    const std::vector<Completion> taken = ring.await(1);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].flags, IORING_CQE_F_MORE);
    EXPECT_GE(taken[0].result, 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SocketRequest, OneAcceptGivesMany) {
  Ring ring;
  sockaddr_in address;
  const int listening = listener(address);
  ring.next(IORING_OP_ACCEPT, listening, 9).ioprio = IORING_ACCEPT_MULTISHOT;
  EXPECT_EQ(ring.submit(), 1);
  for (int i = 0; i < 4; i++) {
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::vector<Completion> taken = ring.await(1);
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].flags, IORING_CQE_F_MORE);
    ASSERT_GE(taken[0].result, 0);
    EXPECT_EQ(::send(taken[0].result, "x", 1, 0), 1);
    char got[4];
    EXPECT_EQ(::recv(client, got, sizeof got, 0), 1);
  }
  ring.next(IORING_OP_ASYNC_CANCEL, -1, 10).addr = 9;
  EXPECT_EQ(ring.submit(), 1);
  std::vector<Completion> taken = ring.await(2);
  std::sort(taken.begin(), taken.end(), [](const auto& one, const auto& other) { return one.user_data < other.user_data; });
  EXPECT_EQ(taken, (std::vector<Completion>{{9, -ECANCELED, 0}, {10, 0, 0}}));
}

TEST_F(SocketRequest, ErrorsAreLinuxs) {
  Ring ring;
  const int datagram = ::socket(AF_INET, SOCK_DGRAM, 0), stream = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto run = [&](uint8_t opcode, int fd, unsigned size = 0) {
    io_uring_sqe& entry = ring.next(opcode, fd, 1);
    entry.addr = opcode == IORING_OP_SHUTDOWN || opcode == kOpListen || opcode == IORING_OP_ACCEPT ? 0 : address_of("text");
    entry.len = size;
    return ring.run();
  };
  EXPECT_EQ(run(IORING_OP_SEND, datagram, 4), -EDESTADDRREQ);
  EXPECT_EQ(run(IORING_OP_SEND, stream, 4), -EPIPE);
  EXPECT_EQ(run(IORING_OP_RECV, stream, 4), -ENOTCONN);
  EXPECT_EQ(run(IORING_OP_SHUTDOWN, stream, 2), -ENOTCONN);
  EXPECT_EQ(run(IORING_OP_SHUTDOWN, stream, 9), -EINVAL);
  EXPECT_EQ(run(IORING_OP_ACCEPT, datagram), -EOPNOTSUPP);
  EXPECT_EQ(run(IORING_OP_ACCEPT, stream), -EINVAL);
  EXPECT_EQ(run(IORING_OP_SEND, 999, 4), -EBADF);
  EXPECT_EQ(run(IORING_OP_SEND, ring.fd(), 4), -ENOTSOCK);
}

TEST_F(SocketRequest, PollingTellsWhatIsReady) {
  Ring ring;
  const Pair pair = connected();
  ring.next(IORING_OP_POLL_ADD, pair.one, 1).poll32_events = POLLOUT | POLLIN;
  EXPECT_EQ(ring.run(), POLLOUT);
  ring.next(IORING_OP_POLL_ADD, pair.one, 2).poll32_events = POLLIN;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{2, POLLIN, 0}}));
  ::shutdown(pair.other, SHUT_WR);
  ring.next(IORING_OP_POLL_ADD, pair.one, 3).poll32_events = POLLIN;
  EXPECT_EQ(ring.run(), POLLIN | POLLRDHUP);
}

TEST_F(SocketRequest, PollingAgainAndAgainTellsOfEachEvent) {
  Ring ring;
  const Pair pair = connected();
  io_uring_sqe& entry = ring.next(IORING_OP_POLL_ADD, pair.one, 4);
  entry.poll32_events = POLLIN;
  entry.len = IORING_POLL_ADD_MULTI;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_TRUE(ring.take().empty());
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(::send(pair.other, "x", 1, 0), 1);
    EXPECT_EQ(ring.await(1), (std::vector<Completion>{{4, POLLIN, IORING_CQE_F_MORE}}));
    EXPECT_TRUE(ring.take().empty());
  }
  ::shutdown(pair.other, SHUT_WR);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{4, POLLIN | POLLRDHUP, IORING_CQE_F_MORE}}));
  ring.next(IORING_OP_POLL_REMOVE, -1, 5).addr = 4;
  EXPECT_EQ(ring.submit(), 1);
  std::vector<Completion> taken = ring.await(2);
  std::sort(taken.begin(), taken.end(), [](const auto& one, const auto& other) { return one.user_data < other.user_data; });
  EXPECT_EQ(taken, (std::vector<Completion>{{4, -ECANCELED, 0}, {5, 0, 0}}));
}

TEST_F(SocketRequest, EpollSetsAreChanged) {
  Ring ring;
  const Pair pair = connected();
  const int set = ::epoll_create1(0);
  epoll_event event = {.events = EPOLLOUT, .data = {.u64 = 77}}, got = {};
  const auto control = [&](unsigned operation) {
    io_uring_sqe& entry = ring.next(IORING_OP_EPOLL_CTL, set, 1);
    entry.off = static_cast<uint64_t>(pair.one);
    entry.len = operation;
    entry.addr = address_of(&event);
    return ring.run();
  };
  EXPECT_EQ(control(EPOLL_CTL_ADD), 0);
  EXPECT_EQ(control(EPOLL_CTL_ADD), -EEXIST);
  EXPECT_EQ(::epoll_wait(set, &got, 1, 1000), 1);
  EXPECT_EQ(got.data.u64, 77u);
  EXPECT_EQ(control(EPOLL_CTL_DEL), 0);
  EXPECT_EQ(control(EPOLL_CTL_DEL), -ENOENT);
}

TEST_F(SocketRequest, ClosesItsSocket) {
  Ring ring;
  const Pair pair = connected();
  ring.next(IORING_OP_CLOSE, pair.one, 1);
  EXPECT_EQ(ring.run(), 0);
  char got[4];
  EXPECT_EQ(::recv(pair.other, got, sizeof got, 0), 0);
  EXPECT_EQ(::send(pair.one, "x", 1, 0), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(SocketRequest, HoldsItsSocketOpen) {
  Ring ring;
  const Pair pair = connected();
  char got[8] = {};
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.other, 1);
  entry.addr = address_of(got);
  entry.len = sizeof got;
  EXPECT_EQ(ring.submit(), 1);
  ::close(pair.other);
  EXPECT_EQ(::send(pair.one, "still", 5, 0), 5);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{1, 5, 0}}));
  EXPECT_STREQ(got, "still");
}

TEST_F(SocketRequest, WaitsForAllThatItWants) {
  Ring ring;
  const Pair pair = connected();
  char got[8] = {};
  io_uring_sqe& entry = ring.next(IORING_OP_RECV, pair.other, 1);
  entry.addr = address_of(got);
  entry.len = 6;
  entry.msg_flags = MSG_WAITALL;
  EXPECT_EQ(::send(pair.one, "ab", 2, 0), 2);
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_EQ(::send(pair.one, "cd", 2, 0), 2);
  EXPECT_TRUE(ring.take().empty());
  EXPECT_EQ(::send(pair.one, "efgh", 4, 0), 4);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{1, 6, kNonEmpty}}));
  EXPECT_STREQ(got, "abcdef");
}

TEST_F(SocketRequest, SendsAllThatItWantsWhileTheOtherReads) {
  Ring ring;
  const Pair pair = connected();
  constexpr size_t kSize = 8 << 20;
  const std::string text(kSize, 'x');
  io_uring_sqe& entry = ring.next(IORING_OP_SEND, pair.one, 1);
  entry.addr = address_of(text.data());
  entry.len = kSize;
  entry.msg_flags = MSG_WAITALL;
  EXPECT_EQ(ring.submit(), 1);
  EXPECT_TRUE(ring.take().empty());
  std::string got(1 << 20, ' ');
  size_t total = 0;
  while (total < kSize) {
    const ssize_t size = ::recv(pair.other, got.data(), got.size(), 0);
    if (size <= 0) break;
    total += static_cast<size_t>(size);
  }
  EXPECT_EQ(total, kSize);
  EXPECT_EQ(ring.await(1), (std::vector<Completion>{{1, kSize, 0}}));
}

TEST_F(SocketRequest, SendingWithoutACopyCompletesTwice) {
  Ring ring;
  const Pair pair = connected();
  io_uring_sqe& entry = ring.next(IORING_OP_SEND_ZC, pair.one, 1);
  entry.addr = address_of("zero");
  entry.len = 4;
  EXPECT_EQ(ring.submit(), 1);
  char got[8];
  EXPECT_EQ(::recv(pair.other, got, sizeof got, 0), 4);
  EXPECT_EQ(ring.await(2), (std::vector<Completion>{{1, 4, IORING_CQE_F_MORE}, {1, 0, IORING_CQE_F_NOTIF}}));
}

}  // namespace
}  // namespace lxnet::uring_test
