#include "trace_diff/rules.hh"

namespace lxnet::trace {
namespace {

constexpr std::string_view kRules = R"(# Rules of lxnet diff: what the values in a system call mean.
#
#   KIND CALL[,CALL...] PLACE [if MEMBER=VALUE]
#
# CALL may be *. PLACE is an argument's number from 0, `return`, or `.member` (a member of that name at any depth; `2.member` below
# one argument). A later rule for the same place wins, so a file given with --rules overrides what stands here.
#
#   fd      a descriptor in use: the same object in both runs, whatever its number
#   newfd   a descriptor that the call makes
#   pid     a process or thread, by who stands for whom
#   port    equal, or both ephemeral (32768 to 60999) and always the same pair
#   id      a number that matters only in being the same again: inodes, cookies, queue identifiers
#   ignore  not compared: times, addresses
#   time    how long to wait: zero, for ever (-1), or some time, whatever it is
#   output  an argument that the kernel writes; all others are the program's
#   input   data of a stream that the program gives; stream: that the kernel gives. Cut differently they are still equal
#   wait    CALL only waits (no PLACE); skip: CALL is not compared (no PLACE)

# Memory and bookkeeping: addresses and sizes of another run.
skip brk,mmap,munmap,mprotect,mremap,madvise,futex,set_tid_address,set_robust_list,rseq,arch_prctl,prlimit64,getrandom
skip restart_syscall,sched_yield,rt_sigreturn,membarrier,sysinfo,clock_gettime,gettimeofday,time,times,getrusage

# Descriptors.
fd read,write,readv,writev,pread64,pwrite64,preadv,pwritev,preadv2,pwritev2,lseek,fsync,fdatasync,ftruncate,getdents64 0
fd close,fstat,fstatfs,fcntl,fcntl64,ioctl,dup,dup2,dup3,flock,fchmod,fchown,fchdir,fadvise64 0
fd bind,connect,listen,accept,accept4,getsockname,getpeername,shutdown,setsockopt,getsockopt 0
fd send,recv,sendto,recvfrom,sendmsg,recvmsg,sendmmsg,recvmmsg 0
fd epoll_ctl,epoll_wait,epoll_pwait,epoll_pwait2 0
fd epoll_ctl 2
fd sendfile,sendfile64,splice,tee 0
fd sendfile,sendfile64,tee 1
fd splice 2
fd select,_newselect,pselect6,pselect6_time32 1
fd select,_newselect,pselect6,pselect6_time32 2
fd select,_newselect,pselect6,pselect6_time32 3
fd select,_newselect,pselect6,pselect6_time32 return.in
fd select,_newselect,pselect6,pselect6_time32 return.out
fd select,_newselect,pselect6,pselect6_time32 return.except
fd * .fd
fd * .cmsg_data if cmsg_type=SCM_RIGHTS
fd openat,newfstatat,statx,unlinkat,readlinkat,faccessat,faccessat2,mkdirat 0
fd timerfd_settime,timerfd_gettime,inotify_add_watch,inotify_rm_watch,pidfd_send_signal,pidfd_getfd,setns 0
newfd socket,accept,accept4,open,openat,openat2,creat,dup,dup2,dup3,epoll_create,epoll_create1,eventfd,eventfd2 return
newfd timerfd_create,inotify_init,inotify_init1,memfd_create,pidfd_open,pidfd_getfd,userfaultfd,signalfd,signalfd4 return
newfd fcntl,fcntl64 return if 1=F_DUPFD
newfd fcntl,fcntl64 return if 1=F_DUPFD_CLOEXEC
newfd socketpair 3
newfd pipe,pipe2 0
newfd recvmsg,recvmmsg .cmsg_data if cmsg_type=SCM_RIGHTS

# Processes.
pid getpid,gettid,getppid,getpgrp,getpgid,getsid,setsid,fork,vfork,clone,clone3,wait4,waitpid return
pid kill,tgkill,tkill,wait4,waitpid,getpgid,setpgid,pidfd_open 0
pid tgkill,setpgid,waitid 1
pid clone .parent_tid
pid clone .child_tid
pid clone3 .parent_tid
pid clone3 return.parent_tid
pid * .si_pid
pid * .pid
pid fcntl,fcntl64 return if 1=F_GETOWN
pid fcntl,fcntl64 2 if 1=F_SETOWN

# Addresses.
port * .sin_port
port * .sin6_port
id * .st_ino
id * .st_dev
id * .inode
id getsockopt 3 if 2=SO_COOKIE
id getsockopt 3 if 2=SO_NETNS_COOKIE
id bind,connect,getsockname,getpeername,accept,accept4,recvfrom,sendto .nl_pid

# What an epoll set hands back: u32 is the low half of u64, which may hold what the program left there.
id * .u64
ignore * .u32
# One more than the highest descriptor.
ignore select,_newselect,pselect6,pselect6_time32 0

# What the kernel writes.
output getsockname,getpeername,accept,accept4 1
output getsockname,getpeername,accept,accept4 2
output recvfrom 4
output recvfrom 5
output recvmsg,recvmmsg 1
output getsockopt 3
output getsockopt 4
output socketpair 3
output pipe,pipe2 0
output epoll_wait,epoll_pwait,epoll_pwait2 1
output ioctl 2
output fstat 1
output newfstatat 2
output wait4,waitpid 1
output read,pread64,readv,preadv,preadv2 1

# Streams. A message socket's data is compared with the same care: only cuts are forgiven, and where it was cut shows in the result.
input write,writev,send,sendto,pwrite64 1
stream read,readv,recv,recvfrom 1

# Waiting.
wait poll,ppoll,ppoll_time32,select,_newselect,pselect6,pselect6_time32,epoll_wait,epoll_pwait,epoll_pwait2

# Time, and what follows from it.
time poll 2
time epoll_wait,epoll_pwait 3
ignore * .left
ignore select,_newselect,pselect6,pselect6_time32 4
ignore * .st_atime
ignore * .st_mtime
ignore * .st_ctime
ignore * .ru_utime
ignore * .ru_stime
ignore * .si_utime
ignore * .si_stime
ignore wait4 3
ignore * .cmsg_data if cmsg_type=SO_TIMESTAMP_OLD
ignore * .cmsg_data if cmsg_type=SO_TIMESTAMPNS_OLD
ignore ioctl 2 if 1=SIOCGSTAMP_OLD
ignore ioctl 2 if 1=SIOCGSTAMPNS_OLD

# Addresses in memory.
ignore rt_sigaction .sa_restorer
ignore rt_sigaction .sa_handler
ignore execve 2
ignore clone,clone3 .child_stack
ignore clone,clone3 .stack
ignore clone,clone3 .tls
ignore clone,clone3 .child_tidptr
)";

}  // namespace

std::string_view builtin_rules() { return kRules; }

}  // namespace lxnet::trace
