// Landlock's system calls as far as lxnet follows them: the ABI of Linux 6.15. The build machine's headers may be older.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace lxnet::host::landlock {

// What a newer kernel adds concerns sockets too (datagram ports, paths of AF_UNIX, all threads at once): programs are told of
// this version, and their wish for more is refused as a kernel of this version refuses it.
inline constexpr int kNewestAbi = 7;
inline constexpr int kFirstQuietAbi = 7;  // knows flags for restrict_self

inline constexpr uint32_t kCreateVersion = 1, kCreateErrata = 2;
inline constexpr uint64_t kFileAccesses = (1 << 16) - 1, kPortAccesses = 3, kScopes = 3;
inline constexpr uint32_t kRestrictFlags = 7;
inline constexpr uint32_t kNoLogSameExec = 1;

struct RulesetAttributes {
  uint64_t files = 0, ports = 0, scopes = 0;
};

// Zero where the kernel has no Landlock.
inline int kernel_abi() {
  static const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kCreateVersion);
  return version < 0 ? 0 : static_cast<int>(version);
}

}  // namespace lxnet::host::landlock
