// MSG_OOB on streams: scripts of sends and receives, and what Linux answers to each step.
#include <csignal>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

// Steps, separated by spaces: "+abc" sends, "!abc" sends with MSG_OOB, "rN" reads N bytes, "pN" peeks, "o" and "O" receive and
// peek the out-of-band byte, "m" asks SIOCATMARK, "q" SIOCINQ, "P" polls for POLLIN and POLLPRI, "i1"/"i0" sets SO_OOBINLINE,
// "wN" reads N with MSG_WAITALL, "x" closes the sender. Each receiving step appends what it got.
struct Script {
  const char* steps;
  const char* expected;
};

std::string got(long result, const char* bytes) {
  return result < 0 ? std::to_string(result) : "'" + std::string(bytes, static_cast<size_t>(result)) + "'";
}

std::string run_step(Pair& pair, const std::string& step) {
  char buffer[64] = {};
  const size_t size = step.size() > 1 && std::isdigit(step[1]) ? std::stoul(step.substr(1)) : 1;
  const auto receive_with = [&](int flags) { return got(answer(::recv(pair.b, buffer, size, flags | MSG_DONTWAIT)), buffer); };
  switch (step[0]) {
    case '+':
      return std::to_string(answer(::send(pair.a, step.data() + 1, step.size() - 1, MSG_NOSIGNAL)));
    case '!':
      return std::to_string(answer(::send(pair.a, step.data() + 1, step.size() - 1, MSG_NOSIGNAL | MSG_OOB)));
    case 'r':
      return receive_with(0);
    case 'p':
      return receive_with(MSG_PEEK);
    case 'w':
      return receive_with(MSG_WAITALL);
    case 'o':
      return receive_with(MSG_OOB);
    case 'O':
      return receive_with(MSG_OOB | MSG_PEEK);
    case 'm':
      return std::to_string(ask(pair.b, kAtMark));
    case 'q':
      return std::to_string(ask(pair.b, kBytesReadable));
    case 'P':
      return std::to_string(poll_now(pair.b, POLLIN | POLLPRI));
    case 'i':
      return std::to_string(set(pair.b, SO_OOBINLINE, static_cast<int>(size)));
    case 'x':
      pair.a.reset();
      return "x";
    default:
      return "?";
  }
}

std::string run_script(const std::string& steps) {
  Pair pair = make_pair_of(SOCK_STREAM);
  std::string answers;
  size_t start = 0;
  while (start < steps.size()) {
    size_t end = steps.find(' ', start);
    if (end == std::string::npos) end = steps.size();
    answers += (answers.empty() ? "" : " ") + run_step(pair, steps.substr(start, end - start));
    start = end + 1;
  }
  return answers;
}

const Script kScripts[] = {
#include "tests/conformance/unix/urgent_scripts.inc"
};

class UnixUrgent : public testing::TestWithParam<size_t> {};

TEST_P(UnixUrgent, GoesAsOnLinux) {
  const Script& script = kScripts[GetParam()];
  const std::string answers = run_script(script.steps);
  if (std::getenv("LXNET_WRITE_UNIX_GRID") != nullptr) {
    std::printf("{\"%s\", \"%s\"},\n", script.steps, answers.c_str());
    return;
  }
  EXPECT_EQ(answers, script.expected) << script.steps;
}

INSTANTIATE_TEST_SUITE_P(Scripts, UnixUrgent, testing::Range(size_t{0}, std::size(kScripts)));

volatile sig_atomic_t urgent_signals = 0;

TEST(UnixUrgentSignals, TheOwnerGetsSigurg) {
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) { urgent_signals = urgent_signals + 1; };
  ::sigaction(SIGURG, &action, &old);
  urgent_signals = 0;
  Pair pair = make_pair_of(SOCK_STREAM);
  ::send(pair.a, "x", 1, MSG_OOB);
  EXPECT_EQ(urgent_signals, 0);
  ::fcntl(pair.b, F_SETOWN, ::getpid());
  ::send(pair.a, "abc", 3, MSG_OOB);
  EXPECT_EQ(urgent_signals, 1);
  ::send(pair.a, "d", 1, 0);
  EXPECT_EQ(urgent_signals, 1);
  ::sigaction(SIGURG, &old, nullptr);
}

TEST(UnixUrgentErrors, OnlyStreamsHaveIt) {
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    Pair pair = make_pair_of(type);
    EXPECT_EQ(answer(::send(pair.a, "x", 1, MSG_OOB)), -EOPNOTSUPP);
    char byte;
    EXPECT_EQ(answer(::recv(pair.b, &byte, 1, MSG_OOB | MSG_DONTWAIT)), -EOPNOTSUPP);
    EXPECT_EQ(ask(pair.b, kAtMark), -EOPNOTSUPP);
  }
  Pair pair = make_pair_of(SOCK_STREAM);
  EXPECT_EQ(answer(::send(pair.a, "", 0, MSG_OOB)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::recv(pair.b, nullptr, 0, MSG_OOB)), -EINVAL);
}

}  // namespace
}  // namespace conformance
