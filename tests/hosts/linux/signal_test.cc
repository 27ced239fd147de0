// A signal ends or restarts a blocked call by Linux's rules.

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

void alarm_after(int millis) {
  itimerval timer = {{0, 0}, {millis / 1000, millis % 1000 * 1000}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

// A child that sends `signal` and later a datagram, which ends what goes on after the signal.
pid_t signal_then_send(int signal, int port) {
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child == 0) {
    ::usleep(30'000);
    ::kill(parent, signal);
    ::usleep(60'000);
    send_to_port(bound_socket(), port, "late");
    ::_exit(0);
  }
  return child;
}

TEST(Signals, AHandlerWithoutRestartEndsTheCall) {
  expect_same([] {
    int fd = bound_socket();
    count_signal(SIGALRM, 0);
    alarm_after(30);
    char text[8];
    CHECK_THAT(::recv(fd, text, sizeof text, 0) == -1 && errno == EINTR);
    CHECK_THAT(handled == 1);
  });
}

TEST(Signals, AHandlerWithRestartLetsTheCallGoOn) {
  expect_same([] {
    int fd = bound_socket();
    count_signal(SIGUSR1, SA_RESTART);
    signal_then_send(SIGUSR1, port_of(fd));
    char text[8];
    CHECK_THAT(::recv(fd, text, sizeof text, 0) == 4);
    CHECK_THAT(handled == 1);
  });
}

TEST(Signals, ACallWithATimeoutIsNeverRestarted) {
  expect_same([] {
    int fd = bound_socket();
    timeval timeout = {2, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    count_signal(SIGALRM, SA_RESTART);
    alarm_after(30);
    char text[8];
    CHECK_THAT(::recv(fd, text, sizeof text, 0) == -1 && errno == EINTR);
    CHECK_THAT(handled == 1);
  });
}

TEST(Signals, PollIsInterruptedEvenWithRestart) {
  expect_same([] {
    int fd = bound_socket();
    count_signal(SIGALRM, SA_RESTART);
    alarm_after(30);
    pollfd set = {fd, POLLIN, 0};
    CHECK_THAT(::poll(&set, 1, 2000) == -1 && errno == EINTR);
    CHECK_THAT(handled == 1);
  });
}

TEST(Signals, AStoppedPollGoesOnWithTheTimeThatIsLeft) {
  expect_same([] {
    int fd = bound_socket();
    pid_t child = ::fork();
    if (child == 0) {
      pollfd set = {fd, POLLIN, 0};
      long start = now_millis();
      CHECK_THAT(::poll(&set, 1, 300) == 0);
      long took = now_millis() - start;
      CHECK_THAT(took >= 290 && took < 600);
      ::_exit(program_failures);
    }
    ::usleep(50'000);
    ::kill(child, SIGSTOP);
    int status = 0;
    CHECK_THAT(::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    ::usleep(100'000);
    ::kill(child, SIGCONT);
    CHECK_THAT(::waitpid(child, &status, 0) == child && status == 0);
  });
}

TEST(Signals, AStoppedReceiveGoesOn) {
  expect_same([] {
    int fd = bound_socket();
    pid_t child = ::fork();
    if (child == 0) {
      char text[8];
      ::_exit(::recv(fd, text, sizeof text, 0) == 4 ? 0 : 1);
    }
    ::usleep(30'000);
    ::kill(child, SIGSTOP);
    int status = 0;
    CHECK_THAT(::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    ::kill(child, SIGCONT);
    ::usleep(30'000);
    send_to_port(bound_socket(), port_of(fd), "late");
    CHECK_THAT(::waitpid(child, &status, 0) == child && status == 0);
  });
}

TEST(Signals, PpollTakesASignalThatOnlyItsMaskLetsThrough) {
  expect_same([] {
    int fd = bound_socket();
    count_signal(SIGUSR1, SA_RESTART);
    sigset_t block, none;
    ::sigemptyset(&none);
    ::sigemptyset(&block);
    ::sigaddset(&block, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &block, nullptr);
    pollfd set = {fd, POLLIN, 0};
    timespec limit = {2, 0};
    // One that waits already, and one that comes later.
    ::raise(SIGUSR1);
    CHECK_THAT(handled == 0);
    CHECK_THAT(::ppoll(&set, 1, &limit, &none) == -1 && errno == EINTR && handled == 1);
    signal_then_send(SIGUSR1, port_of(fd));
    limit = {2, 0};
    CHECK_THAT(::ppoll(&set, 1, &limit, &none) == -1 && errno == EINTR && handled == 2);
    limit = {2, 0};
    CHECK_THAT(::ppoll(&set, 1, &limit, &none) == 1);
    ::wait(nullptr);
  });
}

TEST(Signals, PpollIsDeafToWhatItsMaskBlocks) {
  expect_same([] {
    int fd = bound_socket();
    count_signal(SIGUSR1, SA_RESTART);
    sigset_t block;
    ::sigemptyset(&block);
    ::sigaddset(&block, SIGUSR1);
    pollfd set = {fd, POLLIN, 0};
    timespec limit = {2, 0};
    signal_then_send(SIGUSR1, port_of(fd));
    CHECK_THAT(::ppoll(&set, 1, &limit, &block) == 1);
    CHECK_THAT(handled == 1);
    ::wait(nullptr);
  });
}

TEST(Signals, AnIgnoredOrBlockedSignalChangesNothing) {
  expect_same([] {
    int fd = bound_socket();
    ::signal(SIGUSR1, SIG_IGN);
    signal_then_send(SIGUSR1, port_of(fd));
    char text[8];
    CHECK_THAT(::recv(fd, text, sizeof text, 0) == 4);
    ::wait(nullptr);
    count_signal(SIGUSR2, 0);
    sigset_t block;
    ::sigemptyset(&block);
    ::sigaddset(&block, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &block, nullptr);
    signal_then_send(SIGUSR2, port_of(fd));
    CHECK_THAT(::recv(fd, text, sizeof text, 0) == 4 && handled == 0);
  });
}

TEST(Signals, AProcessSignalReachesAThreadThatDoesNotBlockIt) {
  expect_same([] {
    count_signal(SIGUSR1, 0);
    sigset_t block;
    ::sigemptyset(&block);
    ::sigaddset(&block, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &block, nullptr);
    pthread_t threads[2];
    static int sockets[2];
    for (int i = 0; i < 2; i++) {
      sockets[i] = bound_socket();
      auto wait_for_data = [](void* fd) -> void* {
        sigset_t unblock;
        ::sigemptyset(&unblock);
        ::sigaddset(&unblock, SIGUSR1);
        ::pthread_sigmask(SIG_UNBLOCK, &unblock, nullptr);
        char text[8];
        while (::recv(*static_cast<int*>(fd), text, sizeof text, 0) == -1) CHECK_THAT(errno == EINTR);
        return nullptr;
      };
      ::pthread_create(&threads[i], nullptr, wait_for_data, &sockets[i]);
    }
    ::usleep(30'000);
    ::kill(::getpid(), SIGUSR1);
    for (int i = 0; i < 200 && handled == 0; i++) ::usleep(10'000);
    CHECK_THAT(handled == 1);
    for (int i = 0; i < 2; i++) {
      send_to_port(bound_socket(), port_of(sockets[i]), "end");
      ::pthread_join(threads[i], nullptr);
    }
  });
}

TEST(Signals, NoDataIsLostUnderAStormOfSignals) {
  expect_same([] {
    int receiver = bound_socket();
    int port = port_of(receiver);
    pid_t child = ::fork();
    if (child == 0) {
      int sender = bound_socket();
      for (int i = 0; i < 300; i++) {
        send_to_port(sender, port, std::to_string(i));
        ::usleep(300);
      }
      ::_exit(program_failures);
    }
    count_signal(SIGALRM, SA_RESTART);
    itimerval timer = {{0, 700}, {0, 700}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    for (int i = 0; i < 300; i++) {
      char text[8] = {};
      CHECK_THAT(::recv(receiver, text, sizeof text - 1, 0) > 0 && std::to_string(i) == text);
    }
    CHECK_THAT(handled > 20);
    timer = {};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    int status = 0;
    while (::waitpid(child, &status, 0) == -1) {
    }
    CHECK_THAT(status == 0);
  });
}

TEST(Signals, ADeadlySignalKillsABlockedProgram) {
  auto program = [] {
    int fd = bound_socket();
    alarm_after(30);
    char text[8];
    ::recv(fd, text, sizeof text, 0);
  };
  EXPECT_EQ(run_natively(program), 128 + SIGALRM);
  EXPECT_EQ(run_on_lxnet(program), 128 + SIGALRM);
}

}  // namespace
}  // namespace lxnet::test
