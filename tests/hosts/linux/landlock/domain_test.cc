// What a domain of the supervisor's says is what the kernel says of its rulesets. Skipped where the kernel lacks Landlock.
#include "hosts/linux/landlock/domain.hh"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "hosts/linux/landlock/abi.hh"
#include "hosts/linux/landlock/confinement.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host::landlock {
namespace {

constexpr uint64_t kBind = 1, kConnect = 2, kAbstract = 1, kReadFile = 4;
constexpr int kRulePort = 2;
struct PortRule {
  uint64_t access, port;
};

#define NEEDS_LANDLOCK(abi) \
  if (kernel_abi() < (abi)) GTEST_SKIP() << "the kernel's Landlock is version " << kernel_abi()

OwnedFd ruleset_of(const RulesetAttributes& attributes) {
  return OwnedFd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
}
void allow(const OwnedFd& ruleset, uint64_t access, uint64_t port) {
  const PortRule rule = {access, port};
  ASSERT_EQ(::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePort, &rule, 0), 0);
}
std::shared_ptr<Domain> enforce(const OwnedFd& ruleset, std::shared_ptr<Domain> parent = nullptr) {
  int error = 0;
  auto domain = Domain::create(std::move(parent), ruleset.get(), 0, &error);
  EXPECT_EQ(error, 0);
  return domain;
}

TEST(LandlockDomain, SaysOfEachPortWhatTheRulesetSays) {
  NEEDS_LANDLOCK(4);
  const OwnedFd ruleset = ruleset_of({.ports = kBind});
  allow(ruleset, kBind, 80);
  const auto domain = enforce(ruleset);
  allow(ruleset, kBind, 81);  // too late
  for (int again = 0; again < 2; again++) {
    EXPECT_EQ(domain->check_port(LXNET_PORT_BIND, 80), LXNET_PORT_ALLOWED);
    EXPECT_EQ(domain->check_port(LXNET_PORT_BIND, 81), LXNET_PORT_DENIED);
    EXPECT_EQ(domain->check_port(LXNET_PORT_BIND, 0), LXNET_PORT_DENIED);
    EXPECT_EQ(domain->check_port(LXNET_PORT_CONNECT, 80), LXNET_PORT_UNCONFINED);
  }
}

TEST(LandlockDomain, AllowsWhatEachOfItsRulesetsAllows) {
  NEEDS_LANDLOCK(4);
  const OwnedFd first = ruleset_of({.ports = kConnect}), second = ruleset_of({.ports = kConnect | kBind});
  allow(first, kConnect, 80);
  allow(first, kConnect, 81);
  allow(second, kConnect | kBind, 81);
  allow(second, kConnect, 82);
  const auto outer = enforce(first), inner = enforce(second, outer);
  EXPECT_EQ(inner->check_port(LXNET_PORT_CONNECT, 80), LXNET_PORT_DENIED);
  EXPECT_EQ(inner->check_port(LXNET_PORT_CONNECT, 81), LXNET_PORT_ALLOWED);
  EXPECT_EQ(inner->check_port(LXNET_PORT_CONNECT, 82), LXNET_PORT_DENIED);
  EXPECT_EQ(inner->check_port(LXNET_PORT_BIND, 81), LXNET_PORT_ALLOWED);
  EXPECT_EQ(outer->check_port(LXNET_PORT_CONNECT, 80), LXNET_PORT_ALLOWED);
  EXPECT_EQ(inner->depth(), 2);
}

TEST(LandlockDomain, TheCallingThreadStaysFree) {
  NEEDS_LANDLOCK(4);
  const auto domain = enforce(ruleset_of({.ports = kBind | kConnect}));
  EXPECT_EQ(domain->check_port(LXNET_PORT_BIND, 80), LXNET_PORT_DENIED);
  EXPECT_EQ(Domain::of_this_thread(), nullptr);
}

TEST(LandlockDomain, AScopedOneReachesItselfAndWhatIsBelow) {
  NEEDS_LANDLOCK(6);
  const auto scoped = enforce(ruleset_of({.scopes = kAbstract}));
  const auto below = enforce(ruleset_of({.ports = kBind}), scoped);
  const auto beside = enforce(ruleset_of({.scopes = kAbstract}));
  const auto free = enforce(ruleset_of({.ports = kBind}));
  EXPECT_FALSE(scoped->may_reach(nullptr));
  EXPECT_TRUE(scoped->may_reach(scoped.get()));
  EXPECT_TRUE(scoped->may_reach(below.get()));
  EXPECT_TRUE(below->may_reach(scoped.get()));
  EXPECT_FALSE(scoped->may_reach(beside.get()));
  EXPECT_FALSE(below->may_reach(beside.get()));
  EXPECT_TRUE(free->may_reach(nullptr));
  EXPECT_TRUE(free->may_reach(beside.get()));
}

TEST(LandlockDomain, OpensWhatItAllows) {
  NEEDS_LANDLOCK(4);
  const auto domain = enforce(ruleset_of({.files = kReadFile}));
  EXPECT_FALSE(domain->may_open("/proc/self/status", O_RDONLY));
  EXPECT_TRUE(domain->may_open("/proc/no such file", O_RDONLY));
  EXPECT_TRUE(enforce(ruleset_of({.ports = kBind}))->may_open("/proc/self/status", O_RDONLY));
}

TEST(LandlockDomain, WhatTheKernelRefusesIsRefused) {
  NEEDS_LANDLOCK(4);
  int error = 0;
  const OwnedFd no_ruleset(::open("/dev/null", O_RDWR));
  EXPECT_EQ(Domain::create(nullptr, no_ruleset.get(), 0, &error), nullptr);
  EXPECT_EQ(error, -EBADFD);
  EXPECT_EQ(Domain::create(nullptr, ruleset_of({.ports = kBind}).get(), 0x80000000, &error), nullptr);
  EXPECT_EQ(error, -EINVAL);
  std::shared_ptr<Domain> deepest;
  const OwnedFd ruleset = ruleset_of({.ports = kBind});
  for (int i = 0; i < 16; i++) deepest = enforce(ruleset, deepest);
  EXPECT_EQ(Domain::create(deepest, ruleset.get(), 0, &error), nullptr);
  EXPECT_EQ(error, -E2BIG);
}

TEST(LandlockDomain, ASealedOneAllowsNothing) {
  const auto sealed = Domain::create_sealed(nullptr);
  int error = 0;
  const auto below = Domain::create(sealed, -1, 0, &error);
  for (Domain* domain : {sealed.get(), below.get()}) {
    EXPECT_EQ(domain->check_port(LXNET_PORT_BIND, 80), LXNET_PORT_DENIED);
    EXPECT_EQ(domain->check_port(LXNET_PORT_CONNECT, 80), LXNET_PORT_DENIED);
    EXPECT_FALSE(domain->may_reach(nullptr));
    EXPECT_FALSE(domain->may_reach(domain));
    EXPECT_FALSE(domain->may_open("/proc/self/status", O_RDONLY));
    EXPECT_EQ(domain->run([] { return 0; }), -EACCES);
  }
}

TEST(LandlockRuleset, WishesThatAreNotFollowedAreRefusedAsByAnOlderKernel) {
  EXPECT_EQ(refuse_unknown({.files = kFileAccesses, .ports = kPortAccesses, .scopes = kScopes}, false), std::nullopt);
  EXPECT_EQ(refuse_unknown({.files = 1 << 16}, false), -EINVAL);
  EXPECT_EQ(refuse_unknown({.ports = 4}, false), -EINVAL);
  EXPECT_EQ(refuse_unknown({.scopes = 4}, false), -EINVAL);
  EXPECT_EQ(refuse_unknown({.ports = 1}, true), -E2BIG);
}

}  // namespace
}  // namespace lxnet::host::landlock
