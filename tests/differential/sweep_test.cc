// Sweeps on Linux and on lxnet: every answer is the same, but for those that are named here.
//
// A run tries the first part of each sweep; LXNET_SWEEP=I/N chooses another, LXNET_SWEEP=0/1 is the whole.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/differential/two_kernels.hh"

namespace differential {
namespace {

enum class User : uint8_t { Root, Nobody };

struct Sweep {
  const char* name;
  User user;
  unsigned parts;  // into how many it is cut, so that one takes a second or two
};

// What differs and is said elsewhere: a piece of the subject's name.
struct Known {
  const char* sweep;
  const char* subject;
  const char* because;
};
constexpr Known kKnown[] = {
    {"options", "netlink diag, level 270 option 1", "groups that tell of a socket's end: nobody does, and none may be joined"},
    {"options", "netlink diag, level 270 option 2", "likewise"},
    {"unconfigured", "in a bare namespace",
     "Linux has no table yet that could say that an address is not its own, and binds to any"},
};

using Answers = std::map<std::string, std::string>;

Answers answers_of(const std::string& log) {
  Answers answers;
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);) {
    const size_t tab = line.find('\t');
    if (tab != std::string::npos) answers[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return answers;
}

bool is_known(const std::string& sweep, const std::string& subject) {
  for (const Known& known : kKnown) {
    if (sweep == known.sweep && subject.ends_with(known.subject)) return true;
  }
  return false;
}

// The words in which two answers differ.
std::string difference(const std::string& left, const std::string& right) {
  std::istringstream one(left), other(right);
  std::string text, a, b;
  for (int shown = 0; shown < 12;) {
    const bool has_a = static_cast<bool>(one >> a), has_b = static_cast<bool>(other >> b);
    if (!has_a && !has_b) break;
    if (has_a && has_b && a == b) continue;
    text += "\n  linux " + (has_a ? a : "") + "\n  lxnet " + (has_b ? b : "");
    ++shown;
  }
  return text;
}

// An ordinary run tries the same part every time, so that what it finds is found again.
std::string part_of(const Sweep& sweep) {
  if (const char* wanted = getenv("LXNET_SWEEP")) return wanted;
  return "0/" + std::to_string(sweep.parts);
}

class SweepTest : public testing::TestWithParam<Sweep> {};

TEST_P(SweepTest, EveryAnswerIsLinuxs) {
  const Sweep& sweep = GetParam();
  if (geteuid() != 0) GTEST_SKIP() << "raw and packet sockets are root's";
  const std::string part = part_of(sweep);
  std::vector<std::string> words{"sweep", sweep.name, "--part", part, "--missing", missing_options()};
  if (sweep.user == User::Nobody) words.push_back("--user");
  const Answers on_linux = answers_of(output_on(TwoKernels::Kernel::Linux, words));
  Answers on_lxnet = answers_of(output_on(TwoKernels::Kernel::Lxnet, words));
  ASSERT_FALSE(on_linux.empty());
  EXPECT_EQ(on_linux.size(), on_lxnet.size());
  size_t known = 0;
  int shown = 0;
  for (const auto& [subject, answers] : on_linux) {
    if (answers == on_lxnet[subject]) continue;
    if (is_known(sweep.name, subject)) {
      ++known;
      continue;
    }
    EXPECT_TRUE(false) << "LXNET_SWEEP=" << part << ": " << subject << difference(answers, on_lxnet[subject]);
    if (++shown == 40) break;
  }
  printf("%s%s %s: %zu subjects, %zu known to differ\n", sweep.name, sweep.user == User::Nobody ? " as nobody" : "", part.c_str(),
         on_linux.size(), known);
}

INSTANTIATE_TEST_SUITE_P(
    All, SweepTest,
    testing::Values(Sweep{"options", User::Root, 40}, Sweep{"options", User::Nobody, 40}, Sweep{"flags", User::Root, 40},
                    Sweep{"flags", User::Nobody, 40}, Sweep{"sockets", User::Root, 20}, Sweep{"sockets", User::Nobody, 4},
                    Sweep{"shutdowns", User::Root, 1}, Sweep{"ioctls", User::Root, 12}, Sweep{"ioctls", User::Nobody, 12},
                    Sweep{"fcntls", User::Root, 2}, Sweep{"controls", User::Root, 24}, Sweep{"controls", User::Nobody, 24},
                    Sweep{"windows", User::Root, 2}, Sweep{"unconfigured", User::Root, 1}, Sweep{"reports", User::Root, 2},
                    Sweep{"pointers", User::Root, 12}),
    [](const auto& info) { return std::string(info.param.name) + (info.param.user == User::Nobody ? "AsNobody" : ""); });

}  // namespace
}  // namespace differential
