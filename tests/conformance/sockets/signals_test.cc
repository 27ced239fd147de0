// Signals and sockets: who is told by which, which blocked calls restart, and what a partial result is worth when one comes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

volatile sig_atomic_t seen[65];
volatile int seen_fd;
void count_it(int number, siginfo_t* info, void*) {
  seen[number] = seen[number] + 1;
  seen_fd = info->si_fd;
}

// A handler for the signal, and its count at zero.
class Watched {
 public:
  explicit Watched(int number, int flags = 0) : number_(number) {
    struct sigaction action {};
    action.sa_sigaction = count_it;
    action.sa_flags = SA_SIGINFO | flags;
    sigaction(number, &action, &old_);
    seen[number] = 0;
  }
  ~Watched() { sigaction(number_, &old_, nullptr); }
  int count() const { return seen[number_]; }

 private:
  int number_;
  struct sigaction old_ {};
};

// SIGALRM in a while, and again, so that a call that restarts is not interrupted only once.
class Ticking {
 public:
  explicit Ticking(int flags) : watched_(SIGALRM, flags) {
    const itimerval timer{{0, 20'000}, {0, 20'000}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }
  ~Ticking() {
    const itimerval off{};
    setitimer(ITIMER_REAL, &off, nullptr);
  }

 private:
  Watched watched_;
};

void limit_receive(int fd, int millis) {
  const timeval time{millis / 1000, millis % 1000 * 1000};
  ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
}

Fd bound_udp() {
  Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  bind_to(fd, loopback4());
  return fd;
}

TEST(SignalTest, AnOwnerThatIsGoneIsNobody) {
  const Fd fd = bound_udp();
  const pid_t child = fork();
  if (child == 0) _exit(::fcntl(fd, F_SETOWN, getpid()) == 0 && ::fcntl(fd, F_GETOWN) == getpid() ? 0 : 1);
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(::fcntl(fd, F_GETOWN), 0);
}

TEST(SignalTest, DataRaisesSigioWhereAsked) {
  const Watched io(SIGIO);
  const Fd receiver = bound_udp();
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  ASSERT_EQ(::fcntl(receiver, F_SETOWN, getpid()), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(io.count(), 0) << "without O_ASYNC";
  const int on = 1;
  ASSERT_EQ(::ioctl(receiver, FIOASYNC, &on), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  for (int i = 0; i < 100 && io.count() == 0; ++i) poll_now(-1, 0, 10);
  EXPECT_GE(io.count(), 1);
}

TEST(SignalTest, AnotherSignalThanSigioCarriesTheDescriptor) {
  const int number = SIGRTMIN + 1;
  const Watched io(number);
  const Fd receiver = bound_udp();
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  ASSERT_EQ(::fcntl(receiver, F_SETOWN, getpid()), 0);
  ASSERT_EQ(::fcntl(receiver, F_SETSIG, number), 0);
  ASSERT_EQ(::fcntl(receiver, F_SETFL, O_ASYNC), 0);
  ASSERT_EQ(::send(sender, "x", 1, 0), 1);
  for (int i = 0; i < 100 && io.count() == 0; ++i) poll_now(-1, 0, 10);
  EXPECT_GE(io.count(), 1);
  EXPECT_EQ(seen_fd, receiver.get());
}

// SIGURG asks for an owner alone; F_SETSIG's signal tells of the mark as well, where O_ASYNC asks for signals.
TEST(SignalTest, UrgentDataRaisesSigurgForTheOwner) {
  const int number = SIGRTMIN + 2;
  const Watched urgent(SIGURG), io(SIGIO), other(number);
  TcpPair pair = tcp_pair();
  int unix_pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, unix_pair), 0);
  const Fd unix_sender(unix_pair[0]), unix_receiver(unix_pair[1]);
  const std::pair<int, int> kinds[] = {{pair.client, pair.server}, {unix_sender, unix_receiver}};
  for (const auto& [sender, receiver] : kinds) {
    for (const int each : {SIGURG, SIGIO, number}) seen[each] = 0;
    ASSERT_EQ(::send(sender, "a", 1, MSG_OOB), 1);
    for (int i = 0; i < 20 && (poll_now(receiver, POLLPRI, 10) & POLLPRI) == 0; ++i) continue;
    EXPECT_EQ(urgent.count(), 0) << "nobody owns it";
    ASSERT_EQ(::fcntl(receiver, F_SETOWN, getpid()), 0);
    ASSERT_EQ(::send(sender, "b", 1, MSG_OOB), 1);
    for (int i = 0; i < 100 && urgent.count() == 0; ++i) poll_now(-1, 0, 10);
    EXPECT_EQ(urgent.count(), 1);
    EXPECT_EQ(io.count(), 0);
    ASSERT_EQ(::send(sender, "c", 1, 0), 1);
    poll_now(-1, 0, 20);
    EXPECT_EQ(urgent.count(), 1) << "ordinary data";
    ASSERT_EQ(::fcntl(receiver, F_SETFL, O_ASYNC), 0);
    ASSERT_EQ(::fcntl(receiver, F_SETSIG, number), 0);
    ASSERT_EQ(::send(sender, "d", 1, MSG_OOB), 1);
    for (int i = 0; i < 100 && (urgent.count() < 2 || other.count() < 2); ++i) poll_now(-1, 0, 10);
    EXPECT_EQ(urgent.count(), 2);
    EXPECT_GE(other.count(), 2) << "for the mark and for the byte";
    ASSERT_EQ(::fcntl(receiver, F_SETOWN, 0), 0);
    ASSERT_EQ(::send(sender, "e", 1, MSG_OOB), 1);
    poll_now(-1, 0, 20);
    EXPECT_EQ(urgent.count(), 2) << "nobody owns it any more";
  }
}

// A state that changes wakes who waits; SIGIO is sent with it or not, as Linux has it for each. F_SETSIG's signals queue, so that
// each is seen: by their si_band, in order.
std::string told_bands;
void note_band(int, siginfo_t* info, void*) {
  told_bands += info->si_band == (POLLIN | POLLRDNORM)    ? 'i'
                : info->si_band == (POLLPRI | POLLRDBAND) ? 'p'
                : info->si_band == (POLLHUP | POLLERR)    ? 'h'
                                                          : '?';
}

struct StateRow {
  const char* name;
  const char* told;
  void (*change)(int watched, int peer);
  int domain, type;
};
const StateRow kStates[] = {
    {"own shutdown", "", [](int own, int) { ::shutdown(own, SHUT_RDWR); }, AF_INET, SOCK_STREAM},
    {"own end", "", [](int own, int) { ::shutdown(own, SHUT_WR); }, AF_INET, SOCK_STREAM},
    {"urgent data", "pii", [](int, int peer) { ::send(peer, "x", 1, MSG_OOB); }, AF_INET, SOCK_STREAM},
    {"the peer's end", "ii", [](int, int peer) { ::shutdown(peer, SHUT_WR); }, AF_INET, SOCK_STREAM},
    {"both ends", "hi",
     [](int own, int peer) {
       ::shutdown(own, SHUT_WR);
       ::shutdown(peer, SHUT_WR);
     },
     AF_INET, SOCK_STREAM},
    {"both ends, the peer's first", "ii",
     [](int own, int peer) {
       ::shutdown(peer, SHUT_WR);
       ::shutdown(own, SHUT_WR);
     },
     AF_INET, SOCK_STREAM},
    {"own shutdown of a Unix stream", "", [](int own, int) { ::shutdown(own, SHUT_RDWR); }, AF_UNIX, SOCK_STREAM},
    {"the peer reads no more", "", [](int, int peer) { ::shutdown(peer, SHUT_RD); }, AF_UNIX, SOCK_STREAM},
    {"the peer sends no more", "i", [](int, int peer) { ::shutdown(peer, SHUT_WR); }, AF_UNIX, SOCK_STREAM},
    {"the peer does neither", "h", [](int, int peer) { ::shutdown(peer, SHUT_RDWR); }, AF_UNIX, SOCK_SEQPACKET},
    {"own shutdown of a datagram socket", "", [](int own, int) { ::shutdown(own, SHUT_RDWR); }, AF_UNIX, SOCK_DGRAM},
};

TEST(SignalTest, AStateThatChangesIsToldAsLinuxTellsIt) {
  const int number = SIGRTMIN + 3;
  struct sigaction action {
  }, old{};
  action.sa_sigaction = note_band;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(number, &action, &old);
  for (const StateRow& row : kStates) {
    TcpPair pair;
    int ends[2] = {-1, -1};
    if (row.domain == AF_UNIX) {
      ASSERT_EQ(::socketpair(AF_UNIX, row.type, 0, ends), 0);
      pair = TcpPair{Fd(), Fd(ends[0]), Fd(ends[1])};
    } else {
      pair = tcp_pair();
    }
    ASSERT_EQ(::fcntl(pair.client, F_SETOWN, getpid()), 0);
    ASSERT_EQ(::fcntl(pair.client, F_SETSIG, number), 0);
    ASSERT_EQ(::fcntl(pair.client, F_SETFL, O_ASYNC | O_NONBLOCK), 0);
    told_bands.clear();
    row.change(pair.client, pair.server);
    poll_now(-1, 0, 60);  // longer than an acknowledgment is delayed
    EXPECT_EQ(told_bands, row.told) << row.name;
  }
  sigaction(number, &old, nullptr);
}

TEST(SignalTest, AShutdownOfADatagramSocketIsNoUrgentData) {
  const Watched urgent(SIGURG);
  const Fd fd = bound_udp();
  ASSERT_EQ(::fcntl(fd, F_SETOWN, getpid()), 0);
  EXPECT_EQ(answer(::shutdown(fd, SHUT_RDWR)), -ENOTCONN);
  poll_now(-1, 0, 10);
  EXPECT_EQ(urgent.count(), 0);
}

// tcp_recvmsg() without room sleeps before it asks for signals: of a batch the second message is the one that is interrupted, and
// that is told like any error that ended one.
TEST(SignalTest, ABatchWithoutRoomIsInterruptedOnceItHasSlept) {
  constexpr int kInterrupted = 512;  // ERESTARTSYS, which no program sees elsewhere
  const TcpPair pair = tcp_pair();
  const Ticking ticking(0);
  mmsghdr messages[2] = {};
  EXPECT_EQ(answer(::recvmmsg(pair.server, messages, 2, 0, nullptr)), 1);
  int error = 0;
  socklen_t length = sizeof error;
  ASSERT_EQ(::getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, kInterrupted);
  limit_receive(pair.server, 1000);
  EXPECT_EQ(answer(::recvmmsg(pair.server, messages, 2, 0, nullptr)), 1);
  ASSERT_EQ(::getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length), 0);
  EXPECT_EQ(error, EINTR);
}

// What a handler without SA_RESTART does to each call that waits, and what one with it does where Linux never restarts.
struct WaitRow {
  const char* name;
  long (*wait)(const TcpPair& pair, const Fd& udp);
  bool restarts;
};
const WaitRow kWaits[] = {
    {"recv",
     [](const TcpPair& pair, const Fd&) {
       char b;
       return answer(::recv(pair.server, &b, 1, 0));
     },
     true},
    {"read",
     [](const TcpPair& pair, const Fd&) {
       char b;
       return answer(::read(pair.server, &b, 1));
     },
     true},
    {"recvfrom UDP",
     [](const TcpPair&, const Fd& udp) {
       char b;
       return answer(::recv(udp, &b, 1, 0));
     },
     true},
    {"accept", [](const TcpPair& pair, const Fd&) { return answer(::accept(pair.listener, nullptr, nullptr)); }, true},
    {"poll", [](const TcpPair& pair, const Fd&) { return poll_now(pair.server, POLLIN, 500); }, false},
    {"recv with a time limit",
     [](const TcpPair& pair, const Fd&) {
       char b;
       limit_receive(pair.server, 500);
       return answer(::recv(pair.server, &b, 1, 0));
     },
     false},
    {"accept with a time limit",
     [](const TcpPair& pair, const Fd&) {
       limit_receive(pair.listener, 500);
       return answer(::accept(pair.listener, nullptr, nullptr));
     },
     false},
};

TEST(SignalTest, WithoutRestartEveryWaitIsInterrupted) {
  for (const WaitRow& row : kWaits) {
    const TcpPair pair = tcp_pair();
    const Fd udp = bound_udp();
    const Ticking ticking(0);
    EXPECT_EQ(row.wait(pair, udp), -EINTR) << row.name;
  }
}

TEST(SignalTest, SomeCallsAreInterruptedThoughRestartIsAsked) {
  for (const WaitRow& row : kWaits) {
    if (row.restarts) continue;
    const TcpPair pair = tcp_pair();
    const Fd udp = bound_udp();
    const Ticking ticking(SA_RESTART);
    EXPECT_EQ(row.wait(pair, udp), -EINTR) << row.name;
  }
}

TEST(SignalTest, TheOthersRestartAndThenSucceed) {
  const TcpPair pair = tcp_pair();
  const pid_t child = fork();
  if (child == 0) {
    poll_now(-1, 0, 150);
    _exit(::send(pair.client, "x", 1, 0) == 1 ? 0 : 1);
  }
  const Ticking ticking(SA_RESTART);
  char byte;
  EXPECT_EQ(answer(::recv(pair.server, &byte, 1, 0)), 1);
  EXPECT_GE(seen[SIGALRM], 2);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  EXPECT_EQ(status, 0);
}

TEST(SignalTest, BytesThatCameBeforeTheSignalAreTheAnswer) {
  const TcpPair pair = tcp_pair();
  ASSERT_EQ(::send(pair.client, "abc", 3, 0), 3);
  const Ticking ticking(0);
  char bytes[8];
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), 3);
}

TEST(PartialTest, WaitAllEndsWithTheStreamWithTheTimeAndWhenFull) {
  const TcpPair pair = tcp_pair();
  char bytes[8];
  ASSERT_EQ(::send(pair.client, "abc", 3, 0), 3);
  limit_receive(pair.server, 30);
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), 3);
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), -EAGAIN);
  ASSERT_EQ(::send(pair.client, "0123456789", 10, 0), 10);
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), 8);
  ASSERT_EQ(::shutdown(pair.client, SHUT_WR), 0);
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), 2);
  EXPECT_EQ(answer(::recv(pair.server, bytes, sizeof bytes, MSG_WAITALL)), 0);
}

TEST(PartialTest, WaitAllEndsWithTheDatagram) {
  const Fd receiver = bound_udp();
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  ASSERT_EQ(::send(sender, "abc", 3, 0), 3);
  char bytes[8];
  EXPECT_EQ(answer(::recv(receiver, bytes, sizeof bytes, MSG_WAITALL)), 3);
}

// The last `size` bytes before a page that faults.
class HalfMapped {
 public:
  explicit HalfMapped(size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    base_ = static_cast<char*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(base_ + page, page, PROT_NONE);
    start_ = base_ + page - size;
    size_ = 2 * page;
  }
  ~HalfMapped() { ::munmap(base_, size_); }
  char* get() const { return start_; }

 private:
  char* base_;
  char* start_;
  size_t size_;
};

TEST(HalfMappedTest, AStreamTakesAndGivesWhatCanBeCopiedOrNothing) {
  const TcpPair pair = tcp_pair();
  const HalfMapped half(4);
  // A send whose end is not there.
  const long sent = answer(::send(pair.client, half.get(), 10, 0));
  EXPECT_EQ(sent, -EFAULT);
  ASSERT_EQ(::send(pair.client, "0123456789", 10, 0), 10);
  const long got = answer(::recv(pair.server, half.get(), 10, MSG_DONTWAIT));
  char rest[16];
  if (got == -EFAULT) {
    EXPECT_EQ(answer(::recv(pair.server, rest, sizeof rest, MSG_DONTWAIT)), 10) << "nothing was taken";
  } else {
    EXPECT_EQ(answer(::recv(pair.server, rest, sizeof rest, MSG_DONTWAIT)), 10 - got);
  }
}

TEST(HalfMappedTest, ADatagramThatCannotBeCopiedIsLost) {
  const Fd receiver = bound_udp();
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(connect_to(sender, name_of(receiver)), 0);
  const HalfMapped half(4);
  EXPECT_EQ(answer(::send(sender, half.get(), 10, 0)), -EFAULT);
  ASSERT_EQ(::send(sender, "0123456789", 10, 0), 10);
  EXPECT_EQ(answer(::recv(receiver, half.get(), 10, MSG_DONTWAIT)), -EFAULT);
  EXPECT_EQ(answer(::recv(receiver, half.get(), 4, MSG_DONTWAIT)), -EAGAIN);
}

TEST(LimitTest, WithoutADescriptorAConnectionStaysInTheQueue) {
  TcpPair pair = tcp_pair();
  const Fd second(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(second, name_of(pair.listener)), 0);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(answer(::accept(pair.listener, nullptr, nullptr)), -EMFILE);
  EXPECT_EQ(answer(::socket(AF_INET, SOCK_DGRAM, 0)), -EMFILE);
  int ends[2];
  EXPECT_EQ(answer(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends)), -EMFILE);
  EXPECT_EQ(answer(::dup(pair.listener)), -EMFILE);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  const Fd accepted(::accept(pair.listener, nullptr, nullptr));
  EXPECT_GE(accepted.get(), 0);
}

TEST(PrivilegeTest, WithoutPrivilegePortsRawSocketsAndForcedBuffersAreRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "nothing to give up";
  const pid_t child = fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) _exit(100);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0)), tcp(::socket(AF_INET6, SOCK_STREAM, 0));
    if (bind_to(udp, loopback4(80)) != -EACCES) _exit(1);
    if (bind_to(tcp, loopback6(80)) != -EACCES) _exit(2);
    if (answer(::socket(AF_INET, SOCK_RAW, 253)) != -EPERM) _exit(3);
    if (answer(::socket(AF_INET6, SOCK_RAW, 253)) != -EPERM) _exit(4);
    const int value = 4096;
    if (answer(::setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value)) != -EPERM) _exit(5);
    if (answer(::setsockopt(udp, SOL_SOCKET, SO_MARK, &value, sizeof value)) != -EPERM) _exit(6);
    if (answer(::setsockopt(udp, IPPROTO_IP, IP_TRANSPARENT, &value, sizeof value)) != -EPERM) _exit(7);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(BroadcastTest, NeedsToBeAsked) {
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in everybody = loopback4(9);
  inet_pton(AF_INET, "127.255.255.255", &everybody.sin_addr);
  EXPECT_EQ(answer(::sendto(sender, "x", 1, 0, reinterpret_cast<sockaddr*>(&everybody), sizeof everybody)), -EACCES);
  EXPECT_EQ(connect_to(sender, everybody), -EACCES);
  const int on = 1;
  ASSERT_EQ(::setsockopt(sender, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
  EXPECT_EQ(answer(::sendto(sender, "x", 1, 0, reinterpret_cast<sockaddr*>(&everybody), sizeof everybody)), 1);
  EXPECT_EQ(connect_to(sender, everybody), 0);
}

}  // namespace
}  // namespace conformance
