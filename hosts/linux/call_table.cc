#include "hosts/linux/call_table.hh"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <cstring>
#include <memory>

namespace lxnet::host {
namespace {

constexpr uint32_t kAllBits = 0xffffffff;

// The rest of fcntl (duplicates, FD_CLOEXEC, locks) is the kernel's own on the descriptor that stands for the socket.
constexpr ArgumentRule kFcntl[] = {
    {1, kAllBits, F_GETFL},  {1, kAllBits, F_SETFL},  {1, kAllBits, F_SETOWN},           {1, kAllBits, F_GETOWN},
    {1, kAllBits, F_SETSIG}, {1, kAllBits, F_GETSIG}, {1, kAllBits, 15 /*F_SETOWN_EX*/}, {1, kAllBits, 16 /*F_GETOWN_EX*/},
};
// Terminals' and files' requests fail on a socket with ENOTTY, and natively just so.
constexpr ArgumentRule kIoctl[] = {
    {1, 0xffffff00, 0x8900 /* SIOC* */},
    {1, 0xffffff00, 0x80108900 /* SIOCGSTAMP_NEW, SIOCGSTAMPNS_NEW */},
    {1, 0x0000ff00, 0x8a00 /* EPIOC* */},
    {1, 0x0000ffc0, 0x54c0 /* TUN* */},
    {1, kAllBits, FIONREAD},
    {1, kAllBits, TIOCOUTQ},
    {1, kAllBits, FIONBIO},
    {1, kAllBits, FIOASYNC},
};
// The other two count processor time, which a blocked call does not take.
constexpr ArgumentRule kRealTimer[] = {{0, kAllBits, ITIMER_REAL}};
constexpr ArgumentRule kOfAnOpenFile[] = {{0, 0x80000000, 0}};
constexpr ArgumentRule kNewNet[] = {{0, CLONE_NEWNET, CLONE_NEWNET}};

// Files that are shared with whoever else maps them.
constexpr uint32_t kMapKind = MAP_TYPE | MAP_ANONYMOUS;
constexpr ArgumentRule kSharedFile[] = {{3, kMapKind, MAP_SHARED}, {3, kMapKind, MAP_SHARED_VALIDATE}};

constexpr auto kFirst = CallRow::BadFd::IsFirst, kAfterBuffer = CallRow::BadFd::AfterBuffer;

constexpr CallRow kRows[] = {
    {"socket", Shape::Core},
    {"socketpair", Shape::Core},
    {"socketcall", Shape::Core},
    {"bind", Shape::FirstFd, {}, kFirst},
    {"listen", Shape::FirstFd, {}, kFirst},
    {"accept", Shape::FirstFd, {}, kFirst},
    {"accept4", Shape::FirstFd, {}, kFirst},
    {"connect", Shape::FirstFd, {}, kFirst},
    {"getsockname", Shape::FirstFd, {}, kFirst},
    {"getpeername", Shape::FirstFd, {}, kFirst},
    {"setsockopt", Shape::FirstFd, {}, kFirst},
    {"getsockopt", Shape::FirstFd, {}, kFirst},
    {"shutdown", Shape::FirstFd, {}, kFirst},
    {"sendto", Shape::FirstFd, {}, kAfterBuffer},
    {"recvfrom", Shape::FirstFd, {}, kAfterBuffer},
    {"sendmsg", Shape::FirstFd, {}, kFirst},
    {"recvmsg", Shape::FirstFd, {}, kFirst},
    {"sendmmsg", Shape::FirstFd, {}, kFirst},
    {"recvmmsg", Shape::FirstFd},
    {"recvmmsg_time64", Shape::FirstFd},
    {"read", Shape::FirstFd, {}, kFirst},
    {"write", Shape::FirstFd, {}, kFirst},
    {"readv", Shape::FirstFd, {}, kFirst},
    {"writev", Shape::FirstFd, {}, kFirst},
    {"preadv2", Shape::FirstFd},
    {"pwritev2", Shape::FirstFd},
    {"sendfile", Shape::FirstFd},
    {"sendfile64", Shape::FirstFd},
    {"splice", Shape::Splice},
    {"fcntl", Shape::FirstFd, kFcntl, kFirst},
    {"fcntl64", Shape::FirstFd, kFcntl, kFirst},
    {"ioctl", Shape::FirstFd, kIoctl, kFirst},
    {"poll", Shape::Core},
    {"ppoll", Shape::Core},
    {"ppoll_time64", Shape::Core},
    {"select", Shape::Core},
    {"_newselect", Shape::Core},
    {"pselect6", Shape::Core},
    {"pselect6_time64", Shape::Core},
    {"epoll_create", Shape::Core},
    {"epoll_create1", Shape::Core},
    {"epoll_ctl", Shape::FirstFd},
    {"epoll_wait", Shape::FirstFd},
    {"epoll_pwait", Shape::FirstFd},
    {"epoll_pwait2", Shape::FirstFd},
    {"open", Shape::Open},
    {"openat", Shape::Open},
    {"openat2", Shape::Open},
    {"mmap", Shape::Map, kSharedFile},
    {"mmap2", Shape::Map, kSharedFile},
    {"io_submit", Shape::AsyncIo},
    {"io_getevents", Shape::AsyncIo},
    {"io_pgetevents", Shape::AsyncIo},
    {"io_destroy", Shape::AsyncIo},
    {"kill", Shape::Signal},
    {"tkill", Shape::Signal},
    {"tgkill", Shape::Signal},
    {"rt_sigqueueinfo", Shape::Signal},
    {"rt_tgsigqueueinfo", Shape::Signal},
    {"pidfd_send_signal", Shape::Signal},
    {"setitimer", Shape::Timer, kRealTimer},
    {"alarm", Shape::Timer},
    {"timer_settime", Shape::Timer},
    {"timer_settime64", Shape::Timer},
    {"signalfd", Shape::SignalFile, kOfAnOpenFile},
    {"signalfd4", Shape::SignalFile, kOfAnOpenFile},
    {"unshare", Shape::Namespace, kNewNet},
    {"setns", Shape::Namespace},
    {"clone", Shape::Creation},
    {"clone3", Shape::Creation},
    {"fork", Shape::Creation},
    {"vfork", Shape::Creation},
    {"landlock_create_ruleset", Shape::Ruleset},
    {"landlock_restrict_self", Shape::Restrict},
    {"restart_syscall", Shape::Restart},
    {"io_uring_setup", Shape::Ring},
    {"io_uring_enter", Shape::Ring},
    {"io_uring_register", Shape::Ring},
    {"userfaultfd", Shape::Refused},
};

}  // namespace

std::span<const CallRow> call_rows() { return kRows; }

const CallRow* CallTable::find(int number) {
  auto [found, is_new] = rows_.emplace(number, nullptr);
  if (!is_new) return found->second;
  // By the number and not by the name: i386 has most socket calls twice, and libseccomp's number for the name is a third.
  std::unique_ptr<char, decltype(&::free)> name(::seccomp_syscall_resolve_num_arch(seccomp_arch_, number), &::free);
  for (const CallRow& row : kRows) {
    if (name != nullptr && std::strcmp(row.name, name.get()) == 0) found->second = &row;
  }
  return found->second;
}

}  // namespace lxnet::host
