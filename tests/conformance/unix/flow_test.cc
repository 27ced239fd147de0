// Buffers, waiting, timeouts, signals, and the options that change what a read returns.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

// How many messages of a size fit the buffer of a pair, and what the last call answers.
struct Fill {
  int type, send_buffer;
  size_t size;
  long count, total;
};
const Fill kFills[] = {
#include "tests/conformance/unix/fills.inc"
};

TEST(UnixFlow, AsManyMessagesFitAsOnLinux) {
  const bool writes = std::getenv("LXNET_WRITE_UNIX_GRID") != nullptr;
  for (const Fill& row : kFills) {
    Pair pair = make_pair_of(row.type | SOCK_NONBLOCK);
    if (row.send_buffer != 0) set(pair.a, SO_SNDBUF, row.send_buffer);
    const std::string data(row.size, 'f');
    long count = 0, total = 0, sent = 0;
    while ((sent = answer(::send(pair.a, data.data(), data.size(), 0))) > 0) {
      ++count;
      total += sent;
    }
    if (writes) std::printf("{%d, %d, %zu, %ld, %ld},\n", row.type, row.send_buffer, row.size, count, total);
    EXPECT_EQ(sent, row.count == 0 ? -EMSGSIZE : -EAGAIN) << row.size;
    EXPECT_EQ(count, row.count) << type_name(row.type) << " " << row.size << " " << row.send_buffer;
    EXPECT_EQ(total, row.total) << type_name(row.type) << " " << row.size << " " << row.send_buffer;
    // Not writable until three quarters are free again, and all of it when everything is read.
    EXPECT_EQ(poll_now(pair.a, POLLOUT), row.count == 0 ? POLLOUT : 0);
    while (receive(pair.b, 70000).result > 0) {
    }
    EXPECT_EQ(poll_now(pair.a, POLLOUT), POLLOUT);
    EXPECT_EQ(ask(pair.a, kBytesUnsent), 0);
  }
}

TEST(UnixFlow, BufferSizesAreDoubledAndLimited) {
  Pair pair = make_pair_of(SOCK_STREAM);
  EXPECT_EQ(get(pair.a, SO_SNDBUF), 212992);
  EXPECT_EQ(get(pair.a, SO_RCVBUF), 212992);
  set(pair.a, SO_SNDBUF, 10000);
  EXPECT_EQ(get(pair.a, SO_SNDBUF), 20000);
  set(pair.a, SO_SNDBUF, 1);
  EXPECT_EQ(get(pair.a, SO_SNDBUF), 4608);
  EXPECT_EQ(get(pair.b, SO_SNDBUF), 212992);
}

TEST(UnixFlow, ADatagramLargerThanTheBufferIsEmsgsize) {
  Pair pair = make_pair_of(SOCK_DGRAM | SOCK_NONBLOCK);
  set(pair.a, SO_SNDBUF, 5000);
  const std::string fits(10000 - 32, 'x'), large(10000 - 31, 'x');
  EXPECT_EQ(answer(::send(pair.a, large.data(), large.size(), 0)), -EMSGSIZE);
  EXPECT_EQ(answer(::send(pair.a, fits.data(), fits.size(), 0)), static_cast<long>(fits.size()));
}

class Alarm {
 public:
  explicit Alarm(int milliseconds, int flags = 0) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = flags;
    ::sigaction(SIGALRM, &action, &old_);
    const itimerval timer{{0, 0}, {milliseconds / 1000, milliseconds % 1000 * 1000}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~Alarm() {
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &old_, nullptr);
  }

 private:
  struct sigaction old_ {};
};

void set_timeout(int fd, int option, int milliseconds) {
  set(fd, option, timeval{milliseconds / 1000, milliseconds % 1000 * 1000});
}

TEST(UnixFlow, TimeoutsEndInEagain) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    char byte;
    set_timeout(pair.b, SO_RCVTIMEO, 20);
    EXPECT_EQ(answer(::recv(pair.b, &byte, 1, 0)), -EAGAIN);
    set_timeout(pair.a, SO_SNDTIMEO, 20);
    long sent = 0;
    const std::string data(1000, 's');
    while ((sent = answer(::send(pair.a, data.data(), data.size(), 0))) == 1000) {
    }
    EXPECT_EQ(sent, -EAGAIN);
  }
  const Name name = abstract_name("timeout");
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  bind_name(listener, name);
  ::listen(listener, 0);
  set_timeout(listener, SO_RCVTIMEO, 20);
  EXPECT_EQ(answer(::accept(listener, nullptr, nullptr)), -EAGAIN);
  const Fd first(::socket(AF_UNIX, SOCK_STREAM, 0)), second(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(connect_name(first, name), 0);
  set_timeout(second, SO_SNDTIMEO, 20);
  EXPECT_EQ(connect_name(second, name), -EAGAIN);
}

TEST(UnixFlow, ASignalEndsAWait) {
  Pair pair = make_pair_of(SOCK_STREAM);
  char bytes[4];
  {
    const Alarm alarm(30);
    EXPECT_EQ(answer(::recv(pair.b, bytes, 4, 0)), -EINTR);
  }
  ::send(pair.a, "ab", 2, 0);
  // What came before the signal is the answer.
  {
    const Alarm alarm(30);
    EXPECT_EQ(answer(::recv(pair.b, bytes, 4, MSG_WAITALL)), 2);
  }
  set_timeout(pair.b, SO_RCVTIMEO, 10000);
  {
    const Alarm alarm(30, SA_RESTART);
    EXPECT_EQ(answer(::recv(pair.b, bytes, 4, 0)), -EINTR);
  }
}

TEST(UnixFlow, AWriterWaitsForAReader) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    constexpr size_t kTotal = 1u << 20, kPiece = 8192;
    std::thread writer([&] {
      const std::string data(kPiece, 'w');
      for (size_t done = 0; done < kTotal;) {
        const ssize_t sent = ::send(pair.a, data.data(), kPiece, 0);
        ASSERT_GT(sent, 0);
        done += static_cast<size_t>(sent);
      }
      pair.a.reset();
    });
    size_t got = 0;
    std::string room(kPiece, '\0');
    while (got < kTotal) {
      const ssize_t size = ::recv(pair.b, room.data(), room.size(), 0);
      ASSERT_GT(size, 0);
      got += static_cast<size_t>(size);
    }
    writer.join();
    EXPECT_EQ(got, kTotal);
    if (type != SOCK_DGRAM) {
      EXPECT_EQ(::recv(pair.b, room.data(), 1, 0), 0);
    }
  }
}

TEST(UnixFlow, ASenderWaitsForAFullReceiver) {
  const Name name = abstract_name("full");
  const Fd receiver(::socket(AF_UNIX, SOCK_DGRAM, 0)), sender(::socket(AF_UNIX, SOCK_DGRAM, 0));
  bind_name(receiver, name);
  connect_name(sender, name);
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) ASSERT_EQ(::send(sender, &i, sizeof i, 0), static_cast<ssize_t>(sizeof i));
  });
  for (int i = 0; i < 50; ++i) {
    int got = -1;
    ASSERT_EQ(::recv(receiver, &got, sizeof got, 0), static_cast<ssize_t>(sizeof got));
    EXPECT_EQ(got, i);
  }
  writer.join();
}

TEST(UnixFlow, AConnectWaitsForTheBacklog) {
  const Name name = abstract_name("backlog");
  const Fd listener(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  bind_name(listener, name);
  ::listen(listener, 0);
  const Fd first(::socket(AF_UNIX, SOCK_SEQPACKET, 0)), second(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  ASSERT_EQ(connect_name(first, name), 0);
  std::thread connecting([&] { EXPECT_EQ(connect_name(second, name), 0); });
  const Fd one(::accept(listener, nullptr, nullptr)), two(::accept(listener, nullptr, nullptr));
  connecting.join();
  EXPECT_GE(one, 0);
  EXPECT_GE(two, 0);
}

TEST(UnixFlow, BacklogsTakeOneMoreThanTheySay) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    for (int backlog : {0, 1, 5}) {
      const Name name = abstract_name("count" + std::to_string(backlog));
      const Fd listener = unix_socket(type);
      bind_name(listener, name);
      ::listen(listener, backlog);
      std::vector<Fd> clients;
      long result = 0;
      while (result == 0 && clients.size() < 20) {
        clients.push_back(unix_socket(type));
        result = connect_name(clients.back(), name);
      }
      EXPECT_EQ(result, -EAGAIN);
      EXPECT_EQ(clients.size(), static_cast<size_t>(backlog) + 2);
      ::listen(listener, backlog + 1);
      EXPECT_EQ(connect_name(clients.back(), name), 0);
    }
  }
}

volatile sig_atomic_t broken_pipes = 0;

TEST(UnixFlow, OnlyStreamsRaiseSigpipe) {
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) { broken_pipes = broken_pipes + 1; };
  ::sigaction(SIGPIPE, &action, &old);
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    ::shutdown(pair.a, SHUT_WR);
    broken_pipes = 0;
    EXPECT_EQ(answer(::send(pair.a, "x", 1, 0)), -EPIPE);
    EXPECT_EQ(broken_pipes, type == SOCK_STREAM ? 1 : 0);
    EXPECT_EQ(answer(::send(pair.a, "x", 1, MSG_NOSIGNAL)), -EPIPE);
    EXPECT_EQ(answer(::write(pair.a, "x", 1)), -EPIPE);
    EXPECT_EQ(broken_pipes, type == SOCK_STREAM ? 2 : 0);
  }
  ::sigaction(SIGPIPE, &old, nullptr);
}

TEST(UnixFlow, ThePeekOffsetFollowsPeeksAndReads) {
  for (int type : kTypes) {
    Pair pair = make_pair_of(type);
    EXPECT_EQ(get(pair.b, SO_PEEK_OFF), -1);
    ::send(pair.a, "abcdef", 6, 0);
    ::send(pair.a, "ghi", 3, 0);
    EXPECT_EQ(set(pair.b, SO_PEEK_OFF, 2), 0);
    EXPECT_EQ(receive(pair.b, 2, MSG_DONTWAIT | MSG_PEEK).text, "cd");
    EXPECT_EQ(get(pair.b, SO_PEEK_OFF), 4);
    EXPECT_EQ(receive(pair.b, 8, MSG_DONTWAIT | MSG_PEEK).text, type == SOCK_STREAM ? "efghi" : "ef");
    EXPECT_EQ(receive(pair.b, 3, MSG_DONTWAIT).text, "abc");
    EXPECT_EQ(get(pair.b, SO_PEEK_OFF), type == SOCK_STREAM ? 6 : 0);
    EXPECT_EQ(receive(pair.b, 8, MSG_DONTWAIT | MSG_PEEK).text, type == SOCK_STREAM ? "" : "ghi");
    set(pair.b, SO_PEEK_OFF, -1);
    EXPECT_EQ(receive(pair.b, 8, MSG_DONTWAIT | MSG_PEEK).text, type == SOCK_STREAM ? "defghi" : "ghi");
  }
}

TEST(UnixFlow, EachReceiveTellsWhatIsLeft) {
  Pair pair = make_pair_of(SOCK_STREAM);
  if (set(pair.b, kReportUnread, 1) != 0) GTEST_SKIP() << "a kernel without SO_INQ";
  ::send(pair.a, "abcdef", 6, 0);
  EXPECT_EQ(receive(pair.b, 2).unread, 4);
  EXPECT_EQ(receive(pair.b, 2, MSG_DONTWAIT | MSG_PEEK).unread, 4);
  EXPECT_EQ(receive(pair.b, 9).unread, 0);
  EXPECT_EQ(receive(pair.b, 9, MSG_DONTWAIT, 0).result, -EAGAIN);
  ::send(pair.a, "x", 1, 0);
  EXPECT_EQ(receive(pair.b, 9, MSG_DONTWAIT, 0).flags, MSG_CTRUNC);
  EXPECT_EQ(set(pair.b, kReportUnread, 2), -EINVAL);
  EXPECT_EQ(set(pair.b, kReportUnread, -1), -EINVAL);
  EXPECT_EQ(set(pair.b, kReportUnread, int64_t{1}), -EINVAL);
  EXPECT_EQ(set(make_pair_of(SOCK_DGRAM).a, kReportUnread, 1), -ENOPROTOOPT);
  EXPECT_EQ(get(pair.b, kReportUnread), -ENOPROTOOPT);
}

TEST(UnixFlow, ALowWaterMarkOnStreams) {
  Pair pair = make_pair_of(SOCK_STREAM);
  set(pair.b, SO_RCVLOWAT, 4);
  ::send(pair.a, "ab", 2, 0);
  EXPECT_EQ(poll_now(pair.b, POLLIN), POLLIN);
  char bytes[8];
  EXPECT_EQ(answer(::recv(pair.b, bytes, 8, MSG_DONTWAIT)), 2);
  ::send(pair.a, "abcd", 4, 0);
  EXPECT_EQ(answer(::recv(pair.b, bytes, 8, 0)), 4);
}

TEST(UnixFlow, TheNodeBehindASocket) {
  Directory directory;
  const Fd fresh = unix_socket(SOCK_STREAM), abstract = unix_socket(SOCK_STREAM);
  bind_name(abstract, abstract_name("node"));
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN";
  EXPECT_EQ(answer(::ioctl(fresh, kOpenNode, 0)), -ENOENT);
  EXPECT_EQ(answer(::ioctl(abstract, kOpenNode, 0)), -ENOENT);

  const std::string path = directory.file("node"), moved = directory.file("moved");
  const Fd listener = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
  bind_name(listener, name_from(path + '\0'));
  struct stat bound {};
  ASSERT_EQ(::stat(path.c_str(), &bound), 0);
  const auto expect_node = [&](int socket) {
    const Fd node(::ioctl(socket, kOpenNode, 0));
    ASSERT_GE(node, 0);
    struct stat opened {};
    EXPECT_EQ(::fstat(node, &opened), 0);
    EXPECT_EQ(opened.st_ino, bound.st_ino);
    EXPECT_TRUE(S_ISSOCK(opened.st_mode));
    EXPECT_EQ(::fcntl(node, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::fcntl(node, F_GETFL) & O_PATH, O_PATH);
  };
  expect_node(listener);
  // Who connected has none.
  ASSERT_EQ(::listen(listener, 1), 0);
  connect_name(client, name_from(path + '\0'));
  EXPECT_EQ(answer(::ioctl(client, kOpenNode, 0)), -ENOENT);
  // It is the node and not the path.
  ASSERT_EQ(::rename(path.c_str(), moved.c_str()), 0);
  expect_node(listener);
  ASSERT_EQ(::unlink(moved.c_str()), 0);
  expect_node(listener);
}

TEST(UnixFlow, AClosedDatagramPeerRefusesOnce) {
  const Name name = abstract_name("refuse");
  Fd receiver = unix_socket(SOCK_DGRAM);
  const Fd sender = unix_socket(SOCK_DGRAM);
  bind_name(receiver, name);
  connect_name(sender, name);
  receiver.reset();
  EXPECT_EQ(poll_now(sender, POLLOUT), POLLOUT);
  EXPECT_EQ(answer(::send(sender, "x", 1, 0)), -ECONNREFUSED);
  EXPECT_EQ(answer(::send(sender, "x", 1, 0)), -ENOTCONN);
}

TEST(UnixFlow, AConnectedDatagramSocketHearsOnlyItsPeer) {
  const Name own = abstract_name("own"), other = abstract_name("other");
  const Fd a = unix_socket(SOCK_DGRAM), b = unix_socket(SOCK_DGRAM), stranger = unix_socket(SOCK_DGRAM);
  bind_name(a, own);
  bind_name(b, other);
  ASSERT_EQ(connect_name(a, other), 0);
  EXPECT_EQ(answer(::sendto(stranger, "s", 1, 0, own.raw(), own.length)), -EPERM);
  EXPECT_EQ(connect_name(stranger, own), -EPERM);
  EXPECT_EQ(answer(::sendto(b, "b", 1, 0, own.raw(), own.length)), 1);
  const Received got = receive(a);
  EXPECT_EQ(got.text, "b");
  EXPECT_EQ(got.name.text(), other.text());
  EXPECT_EQ(answer(::sendto(a, "x", 1, 0, own.raw(), own.length)), -EPERM);
}

TEST(UnixFlow, TheSendersNameIsTheOneItHasWhenItIsAsked) {
  Pair pair = make_pair_of(SOCK_DGRAM);
  ::send(pair.a, "x", 1, 0);
  const Name name = abstract_name("late");
  bind_name(pair.a, name);
  EXPECT_EQ(receive(pair.b).name.text(), name.text());
}

TEST(UnixFlow, EdgesOfADatagramSendersRoom) {
  const Name name = abstract_name("edges");
  const Fd receiver = unix_socket(SOCK_DGRAM), sender = unix_socket(SOCK_DGRAM);
  bind_name(receiver, name);
  connect_name(sender, name);
  const Fd set(::epoll_create1(0));
  epoll_event event{};
  event.events = EPOLLOUT | EPOLLET;
  ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, sender, &event), 0);
  const auto edges = [&] { return ::epoll_wait(set, &event, 1, 0); };
  EXPECT_EQ(edges(), 1);
  EXPECT_EQ(edges(), 0);
  while (::send(sender, "x", 1, 0) == 1) {
  }
  EXPECT_EQ(edges(), 0);
  // Room at the receiver is one edge, and so is each message of the sender's that goes.
  receive(receiver);
  EXPECT_EQ(edges(), 1);
  EXPECT_EQ(edges(), 0);
  receive(receiver);
  EXPECT_EQ(edges(), 1);
}

TEST(UnixFlow, AFileGoesIntoAStream) {
  char path[] = "/tmp/lxnet-unix-XXXXXX";
  const Fd file(::mkstemp(path));
  ::unlink(path);
  std::string content(100000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
  ASSERT_EQ(::write(file, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  Pair pair = make_pair_of(SOCK_STREAM);
  off_t offset = 10;
  EXPECT_EQ(::sendfile(pair.a, file, &offset, 50000), 50000);
  EXPECT_EQ(offset, 50010);
  std::string got;
  while (got.size() < 50000) {
    const Received piece = receive(pair.b, 60000, 0);
    ASSERT_GT(piece.result, 0);
    got += piece.text;
  }
  EXPECT_EQ(got, content.substr(10, 50000));
}

}  // namespace
}  // namespace conformance
