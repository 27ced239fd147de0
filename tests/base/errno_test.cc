// The C library's own numbers are the oracle: its headers are read before ours takes the macros away.
#include <errno.h>
#include <string.h>

namespace {

struct HostErrno {
  int number;
  const char* name;
};
#define HOST(name) \
  HostErrno { name, #name }
constexpr HostErrno kHostErrnos[] = {
    HOST(EPERM),        HOST(EINTR),        HOST(EBADF),       HOST(EAGAIN),      HOST(ENOMEM),     HOST(EACCES),
    HOST(EFAULT),       HOST(EEXIST),       HOST(EINVAL),      HOST(EMFILE),      HOST(EPIPE),      HOST(ENAMETOOLONG),
    HOST(ENOSYS),       HOST(ELOOP),        HOST(EPROTO),      HOST(EOVERFLOW),   HOST(ENOTSOCK),   HOST(EDESTADDRREQ),
    HOST(EMSGSIZE),     HOST(EPROTOTYPE),   HOST(ENOPROTOOPT), HOST(EOPNOTSUPP),  HOST(EADDRINUSE), HOST(EADDRNOTAVAIL),
    HOST(ENETUNREACH),  HOST(ECONNRESET),   HOST(ENOBUFS),     HOST(EISCONN),     HOST(ENOTCONN),   HOST(ETIMEDOUT),
    HOST(ECONNREFUSED), HOST(EHOSTUNREACH), HOST(EALREADY),    HOST(EINPROGRESS), HOST(ECANCELED),  HOST(EHWPOISON),
};
#undef HOST

}  // namespace

#include <gtest/gtest.h>

#include "base/errno.hh"

namespace lxnet {
namespace {

TEST(Errno, HasLinuxsNumbersAndNames) {
  for (const HostErrno& row : kHostErrnos) {
    EXPECT_STREQ(row.name, errno_name(static_cast<Errno>(row.number)));
  }
}

// strerrorname_np() knows every number of this C library.
TEST(Errno, KnowsEveryNumberTheHostKnowsAndNoOther) {
  for (int number = 1; number < 512; ++number) {
    const char* ours = errno_name(static_cast<Errno>(number));
    const char* theirs = strerrorname_np(number);
    if (theirs == nullptr) {
      EXPECT_EQ(nullptr, ours) << number;
    } else {
      EXPECT_STREQ(theirs, ours) << number;
    }
  }
}

TEST(Errno, NamesTheRestartRulesOfInterruptedCalls) {
  EXPECT_STREQ("ERESTARTSYS", errno_name(Errno::ERESTARTSYS));
  EXPECT_EQ(512, static_cast<int>(Errno::ERESTARTSYS));
  EXPECT_EQ(513, static_cast<int>(Errno::ERESTARTNOINTR));
  EXPECT_EQ(514, static_cast<int>(Errno::ERESTARTNOHAND));
  EXPECT_EQ(516, static_cast<int>(Errno::ERESTART_RESTARTBLOCK));
}

}  // namespace
}  // namespace lxnet
