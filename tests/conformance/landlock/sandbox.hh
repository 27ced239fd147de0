// Landlock as a program uses it. The C library has no wrappers, and the build machine's headers may be older than the kernel.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <functional>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

inline constexpr uint64_t kBindTcp = 1, kConnectTcp = 2;             // handled_access_net
inline constexpr uint64_t kScopeAbstract = 1;                        // scoped
inline constexpr uint64_t kMakeSocket = 1 << 9, kReadFile = 1 << 2;  // handled_access_fs
inline constexpr int kRulePath = 1, kRulePort = 2;
inline constexpr int kPortAbi = 4, kScopeAbi = 6;

struct RulesetAttributes {
  uint64_t files = 0, ports = 0, scopes = 0;
};
struct PortRule {
  uint64_t access, port;
};

// Zero where the kernel has none.
inline int landlock_abi() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return version < 0 ? 0 : static_cast<int>(version);
}

#define NEEDS_LANDLOCK(abi) \
  if (landlock_abi() < (abi)) GTEST_SKIP() << "the kernel's Landlock is version " << landlock_abi() << ", not " << (abi)

inline Fd create_ruleset(const RulesetAttributes& attributes) {
  return Fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
}
inline long allow_port(int ruleset, uint64_t access, uint64_t port) {
  const PortRule rule = {access, port};
  return answer(::syscall(SYS_landlock_add_rule, ruleset, kRulePort, &rule, 0));
}
inline long enforce(int ruleset, uint32_t flags = 0) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return answer(::syscall(SYS_landlock_restrict_self, ruleset, flags));
}
// Nobody may use any port so, but those that are given.
inline void confine_ports(uint64_t accesses, std::initializer_list<uint16_t> allowed = {}) {
  const Fd ruleset = create_ruleset({.ports = accesses});
  for (uint16_t port : allowed) ASSERT_EQ(allow_port(ruleset, accesses, port), 0);
  ASSERT_EQ(enforce(ruleset), 0);
}
inline void confine_names() { ASSERT_EQ(enforce(create_ruleset({.scopes = kScopeAbstract})), 0); }

// Landlock is for good: what is to be confined runs in a child, which fails as the test does.
inline void in_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "in the child";
}

}  // namespace conformance
