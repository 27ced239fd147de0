// Every call on every kind of socket in every state: the answer, and what is
// left behind.
//
// The table is what Linux answered; LXNET_RECORD=FILE, natively, writes it anew
// (recorded.hh).
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "tests/conformance/matrix/calls.hh"
#include "tests/conformance/recorded.hh"

namespace conformance {
namespace {

constexpr RecordedRow kRows[] = {
#include "tests/conformance/matrix/answers.inc"
};

// A namespace of its own, so that no other program's packets reach the raw
// sockets.
bool enter_namespace() {
  static const bool entered = [] {
    if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    // Natively; on lxnet `lxnet run --sysctl` has said it.
    const Fd range(::open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY));
    if (range >= 0 && ::write(range, "0 2147483647", 12) < 0) return false;
    const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  }();
  return entered;
}

class MatrixTest : public testing::TestWithParam<const char*> {};

TEST_P(MatrixTest, EveryCallInEveryStateAnswersAsRecorded) {
  if (!enter_namespace()) GTEST_SKIP() << "no namespace may be made here";
  watch_signals();
  Recorded recorded(kRows);
  for (const State& state : states_of(GetParam())) {
    for (const Call& call : calls()) {
      Subject subject = state.make(state.family);
      const std::string text = call.make(subject);
      recorded.check(state.name, call.name, text + after(subject.socket));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MatrixTest, testing::Values("udp", "tcp", "raw", "ping", "unix"),
                         [](const auto& info) { return std::string(info.param); });

TEST(MatrixTableTest, HoldsWhatWasPromised) {
  const Recorded recorded(kRows);
  EXPECT_GE(recorded.size(), 1500u);
}

}  // namespace
}  // namespace conformance
