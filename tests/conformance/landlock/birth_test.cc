// Whom a ruleset confines: the thread that took it, and all that it and its children create from then on; nobody else.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <thread>

#include "tests/conformance/landlock/sandbox.hh"

namespace conformance {
namespace {

class ConfinedBirth : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_LANDLOCK(kPortAbi);
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(bind_to(listener_, loopback4()), 0);
    ASSERT_EQ(::listen(listener_, 64), 0);
    port_ = ntohs(name_of(listener_).sin_port);
  }

  long connect() const { return connect_to(Fd(::socket(AF_INET, SOCK_STREAM, 0)), loopback4(port_)); }
  bool is_free() const { return connect() == 0; }
  bool is_confined() const { return connect() == -EACCES; }

  Fd listener_;
  uint16_t port_ = 0;
};

// A child's answer by its status, without waiting for more than the child.
template <typename Body>
bool holds_in_fork(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = -1;
  return ::waitpid(child, &status, 0) == child && status == 0;
}
template <typename Body>
bool holds_in_thread(Body body) {
  bool holds = false;
  std::thread([&] { holds = body(); }).join();
  return holds;
}

TEST_F(ConfinedBirth, ChildrenAreBornConfinedAndParentsStayFree) {
  in_child([&] {
    confine_ports(kConnectTcp);
    EXPECT_TRUE(holds_in_fork([&] { return holds_in_fork([&] { return is_confined(); }) && is_confined(); }));
    EXPECT_TRUE(holds_in_thread([&] { return holds_in_thread([&] { return is_confined(); }); }));
  });
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(holds_in_fork([&] { return is_free(); }));
}

TEST_F(ConfinedBirth, AnExecutedProgramStaysConfined) {
  const std::string port = std::to_string(port_);
  const std::string script = "exec 3<>/dev/tcp/127.0.0.1/" + port;
  const auto run = [&] {
    const int nowhere = ::open("/dev/null", 1);
    ::dup2(nowhere, 2);
    ::execlp("bash", "bash", "-c", script.c_str(), nullptr);
    ::_exit(77);
  };
  EXPECT_TRUE(holds_in_fork([&] { return run(), true; }));
  in_child([&] {
    confine_ports(kConnectTcp);
    EXPECT_FALSE(holds_in_fork([&] { return run(), true; }));
  });
}

TEST_F(ConfinedBirth, OneThreadMayBeConfinedAndTheOthersFree) {
  in_child([&] {
    EXPECT_TRUE(holds_in_thread([&] {
      confine_ports(kConnectTcp);
      return is_confined() && holds_in_thread([&] { return is_confined(); }) && holds_in_fork([&] { return is_confined(); });
    }));
    EXPECT_TRUE(is_free());
    EXPECT_TRUE(holds_in_thread([&] { return is_free(); }));
    EXPECT_TRUE(holds_in_fork([&] { return is_free(); }));
  });
}

// They make their first call when their creators have changed, or are gone.
TEST_F(ConfinedBirth, WhatCountsIsTheMomentOfBirth) {
  in_child([&] {
    int go[2];
    ASSERT_EQ(::pipe(go), 0);
    // No call but this one, which is the kernel's, until it is told.
    const auto born = [&](bool is_born_free) {
      const pid_t child = ::fork();
      if (child != 0) return child;
      ::raise(SIGSTOP);
      ::_exit((is_born_free ? is_free() : is_confined()) ? 0 : 1);
    };
    const pid_t free_child = born(true);
    confine_ports(kConnectTcp);
    const pid_t confined_child = born(false);
    for (pid_t child : {free_child, confined_child}) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
      ::kill(child, SIGCONT);
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0) << (child == free_child ? "born free" : "born confined");
    }
  });
}

TEST_F(ConfinedBirth, OrphansStayWhatTheyWereBorn) {
  int answers[2];
  ASSERT_EQ(::pipe(answers), 0);
  in_child([&] {
    confine_ports(kConnectTcp);
    if (::fork() != 0) return;
    if (::fork() != 0) ::_exit(0);  // the child's parent makes no other call
    const char answer = is_confined() ? 'y' : 'n';
    ::_exit(::write(answers[1], &answer, 1) == 1 ? 0 : 1);
  });
  EXPECT_TRUE(is_free());
  char answer = 0;
  EXPECT_EQ(::read(answers[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
}

// A child that its parent gives away: it is the grandparent's, and who created it cannot be seen.
TEST_F(ConfinedBirth, SiblingsMadeByClonesAreBornConfined) {
  int answers[2];
  ASSERT_EQ(::pipe(answers), 0);
  in_child([&] {
    const pid_t child = ::fork();
    if (child == 0) {
      confine_ports(kConnectTcp);
      if (::syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) != 0) ::_exit(0);
      const char answer = is_confined() ? 'y' : 'n';
      ::_exit(::write(answers[1], &answer, 1) == 1 ? 0 : 1);
    }
    char answer = 0;
    EXPECT_EQ(::read(answers[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    EXPECT_TRUE(holds_in_fork([&] { return is_free(); }));
    while (::wait(nullptr) > 0) {
    }
  });
}

// Both create at once, and what they create takes its time with its first call.
TEST_F(ConfinedBirth, TheConfinedAndTheFreeMayCreateAtOnce) {
  constexpr int kRounds = 20;  // of two connections, which nobody accepts
  const auto create_many = [&](auto is_as_born) {
    int failures = 0;
    for (int i = 0; i < kRounds; i++) {
      failures += holds_in_fork([&] { return holds_in_fork([&] { return is_as_born(); }); }) ? 0 : 1;
      failures += holds_in_thread([&] { return is_as_born(); }) ? 0 : 1;
    }
    return failures == 0;
  };
  const pid_t confined = ::fork();
  if (confined == 0) {
    confine_ports(kConnectTcp);
    ::_exit(create_many([&] { return is_confined(); }) ? 0 : 1);
  }
  EXPECT_TRUE(create_many([&] { return is_free(); }));
  int status = -1;
  EXPECT_EQ(::waitpid(confined, &status, 0), confined);
  EXPECT_EQ(status, 0) << "of the confined";
}

int wait_and_end(void* fd) {
  char byte;
  ::_exit(::read(*static_cast<int*>(fd), &byte, 1) >= 0 ? 0 : 1);
}

// vfork: the confined parent is in the middle of its call for as long as the child likes.
TEST_F(ConfinedBirth, AParentThatWaitsForItsChildHoldsUpNobody) {
  int end[2];
  ASSERT_EQ(::pipe(end), 0);
  static char stack[64 * 1024];
  const pid_t waiting = ::fork();
  if (waiting == 0) {
    ::close(end[1]);
    confine_ports(kConnectTcp);
    const int child = ::clone(wait_and_end, stack + sizeof stack, CLONE_VFORK | CLONE_VM | SIGCHLD, &end[0]);
    int status = -1;
    ::waitpid(child, &status, 0);
    ::_exit(is_confined() ? 0 : 1);
  }
  EXPECT_TRUE(holds_in_fork([&] { return is_free(); }));
  EXPECT_TRUE(holds_in_thread([&] { return is_free(); }));
  ::close(end[1]);
  int status = -1;
  EXPECT_EQ(::waitpid(waiting, &status, 0), waiting);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace conformance
