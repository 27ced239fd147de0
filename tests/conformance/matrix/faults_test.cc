// Two things wrong with one call: which of them the answer is about. Every pair of faults of every call, on sockets of several
// kinds and on descriptors that are none.
//
// The table is what Linux answered; LXNET_RECORD=FILE, natively, writes it anew (recorded.hh).
#include <fcntl.h>

#include <memory>

#include "tests/conformance/matrix/calls.hh"
#include "tests/conformance/matrix/faults.hh"
#include "tests/conformance/recorded.hh"

namespace conformance {
namespace {

constexpr RecordedRow kRows[] = {
#include "tests/conformance/matrix/faults.inc"
};

Subject no_descriptor(int) { return Subject(); }
Subject a_pipe(int) {
  int ends[2];
  Subject subject;
  if (::pipe2(ends, O_NONBLOCK) != 0) return subject;
  subject.socket = Fd(ends[0]);
  subject.others.emplace_back(ends[1]);
  return subject;
}

// Those that differ in what they look at first.
std::vector<State> subjects() {
  std::vector<State> all{{"no descriptor", no_descriptor, AF_INET}, {"a pipe", a_pipe, AF_INET}};
  const std::string wanted[] = {"udp4 unbound",   "udp4 connected", "udp6 connected",        "tcp4 unbound",
                                "tcp4 listening", "tcp4 connected", "tcp4 shut for writing", "tcp6 connected"};
  for (const char* group : {"udp", "tcp"}) {
    for (State& state : states_of(group)) {
      for (const std::string& name : wanted) {
        if (state.name == name) all.push_back(state);
      }
    }
  }
  return all;
}

class FaultsTest : public testing::TestWithParam<const FaultyCall*> {};

TEST_P(FaultsTest, TheAnswerIsAboutTheSameFault) {
  watch_signals();
  Recorded recorded(kRows);
  const FaultyCall& call = *GetParam();
  const bool has_descriptor = std::string(call.name) != "socket" && std::string(call.name) != "socketpair";
  for (const State& state : subjects()) {
    if (!has_descriptor && state.name != "udp4 unbound") continue;
    const auto try_faults = [&](const Fault* one, const Fault* other) {
      Subject subject = state.make(state.family);
      const auto frame_of =
          std::make_unique<Frame>(subject);  // not on the stack: a size of 2 GiB from there may leave user space
      Frame& frame = *frame_of;
      call.prepare(frame);
      if (one != nullptr) one->put(frame);
      if (other != nullptr) other->put(frame);
      const std::string faults = one == nullptr     ? "nothing wrong"
                                 : other == nullptr ? one->name
                                                    : std::string(one->name) + " + " + other->name;
      recorded.check(state.name + " " + call.name, faults, frame.run());
    };
    try_faults(nullptr, nullptr);
    for (const Fault& one : call.faults) {
      try_faults(&one, nullptr);
      for (const Fault& other : call.faults) {
        if (other.part > one.part) try_faults(&one, &other);
      }
    }
  }
}

std::vector<const FaultyCall*> all_calls() {
  std::vector<const FaultyCall*> list;
  for (const FaultyCall& call : faulty_calls()) list.push_back(&call);
  return list;
}
INSTANTIATE_TEST_SUITE_P(All, FaultsTest, testing::ValuesIn(all_calls()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(FaultsTableTest, HoldsAtLeastSixHundredPairs) {
  size_t pairs = 0;
  for (const RecordedRow& row : kRows) pairs += std::string(row.call).find(" + ") != std::string::npos;
  EXPECT_GE(pairs, 600u);
}

}  // namespace
}  // namespace conformance
