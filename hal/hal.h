/* hal.h: the one table a host fills in to carry lxnet.
 *
 * Every function takes the table's own `ctx` first. A table says how long it is (struct_size): a member past its end, or a null
 * one where the comment says "optional", is absent, and the core then does without or answers as Linux does for a missing
 * feature. lxnet_stack_create() refuses a table that lacks a required function and names it.
 *
 * Contexts. Each comment says where a function is called from:
 *   task    a system call; the only context that may block
 *   packet  lxnet_netdev_receive(), possibly in interrupt context
 *   timer   lxnet_timer_expire(), possibly in interrupt context
 *   any     all of these, also while the core holds locks: the function must not block and must not call into lxnet
 */
#ifndef LXNET_HAL_H
#define LXNET_HAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LXNET_HAL_VERSION 1u

/* What the host makes of them is its own business; the core only passes them back. */
struct lxnet_task;         /* a thread of control that can be parked */
struct lxnet_file;         /* an open socket or epoll set of ours: opaque to the host, counted (lxnet_file_ref/unref) */
struct lxnet_foreign_file; /* an open file of the host's that is not ours */
struct lxnet_stack;
struct lxnet_poll_waiter; /* ours: who waits on a foreign file (lxnet_foreign_ready) */
struct lxnet_confinement; /* what a task has forbidden itself (Linux: a Landlock domain), which its sockets remember: counted */

/* What a foreign file is open for, and whether it is a pipe or FIFO. */
enum { LXNET_FOREIGN_READABLE = 1, LXNET_FOREIGN_WRITABLE = 2, LXNET_FOREIGN_PIPE = 4 };

/* A lock's storage lives inside the core's objects. Zero is an unlocked lock. */
struct lxnet_lock {
  uint64_t storage[2];
};

/* The credentials of the current task, as a socket records them. Ids are those of the initial user namespace. */
struct lxnet_credentials {
  int32_t pid, tgid;
  uint32_t uid, euid, suid, gid, egid, sgid;
  uint32_t group_count; /* of `groups`, filled up to its room; the count may be larger */
  uint32_t groups[32];
};

/* park()'s answers. */
enum {
  LXNET_PARK_WOKEN = 0,
  LXNET_PARK_TIMED_OUT = 1,
  LXNET_PARK_INTERRUPTED = 2 /* a signal that is not blocked is pending for the task */
};

/* Linux's capability numbers, for capable(). */
enum {
  LXNET_CAP_NET_BIND_SERVICE = 10,
  LXNET_CAP_NET_ADMIN = 12,
  LXNET_CAP_NET_RAW = 13,
  LXNET_CAP_SYS_ADMIN = 21,
  LXNET_CAP_SYS_RESOURCE = 24,
  LXNET_CAP_SETUID = 7,
  LXNET_CAP_SETGID = 6,
  LXNET_CAP_KILL = 5
};

/* Where to send a signal: F_SETOWN's and F_SETOWN_EX's meanings. */
enum { LXNET_SIGNAL_THREAD = 0, LXNET_SIGNAL_PROCESS = 1, LXNET_SIGNAL_GROUP = 2 };
struct lxnet_signal {
  int32_t signo;
  int32_t target_kind; /* LXNET_SIGNAL_* */
  int32_t target;      /* 0 with LXNET_SIGNAL_THREAD: the current task */
  int32_t code;        /* si_code: SI_KERNEL, POLL_IN… */
  int32_t fd;          /* si_fd, for F_SETSIG */
  int32_t band;        /* si_band */
  uint32_t uid, euid;  /* of who asked for the signal: checked as Linux's sigio_perm does */
};

/* What names a network namespace: a descriptor of the current task's (Linux: of /proc/<pid>/ns/net), or a process as the task
 * numbers it. */
enum { LXNET_NAMESPACE_OF_FD = 0, LXNET_NAMESPACE_OF_PROCESS = 1 };

/* check_port()'s uses of a TCP port, and its answers. Unconfined: nobody asks, and Linux then does not look at the address. */
enum { LXNET_PORT_BIND = 0, LXNET_PORT_CONNECT = 1 };
enum { LXNET_PORT_UNCONFINED = 0, LXNET_PORT_ALLOWED = 1, LXNET_PORT_DENIED = 2 };

enum { LXNET_LOG_ERROR = 0, LXNET_LOG_WARNING = 1, LXNET_LOG_INFO = 2, LXNET_LOG_DEBUG = 3 };

struct lxnet_hal {
  uint32_t abi_version; /* LXNET_HAL_VERSION */
  uint32_t struct_size; /* sizeof(struct lxnet_hal) of the host's build */
  void* ctx;

  /* ---- time -------------------------------------------------------------------------------------------------- */

  /* any. Nanoseconds since an arbitrary start; never goes back. */
  int64_t (*monotonic_nanos)(void* ctx);
  /* any. Nanoseconds since 1970, as the wall clock says now. */
  int64_t (*wall_nanos)(void* ctx);
  /* any. Replaces the one alarm: at `monotonic_nanos` or soon after, call lxnet_timer_expire(). INT64_MAX disarms. A time that
   * has passed means now, but never from inside this call. */
  void (*set_alarm)(void* ctx, struct lxnet_stack* stack, int64_t monotonic_nanos);

  /* ---- memory ------------------------------------------------------------------------------------------------ */

  /* any. Null when there is none; the core turns that into the errno Linux gives. `align` is a power of two up to 4096. */
  void* (*alloc)(void* ctx, size_t size, size_t align);
  /* any. `size` is what alloc() was asked for. */
  void (*free)(void* ctx, void* block, size_t size);

  /* ---- entropy ----------------------------------------------------------------------------------------------- */

  /* any. Unpredictable bytes: keys of hash tables, initial sequence numbers and ports come from nowhere else. */
  void (*random_bytes)(void* ctx, void* buffer, size_t size);

  /* ---- tasks ------------------------------------------------------------------------------------------------- */

  /* task. Who is calling; stays valid until the system call returns. */
  struct lxnet_task* (*current_task)(void* ctx);
  /* task; no lock is held. Sleeps until unpark(), the deadline (monotonic, INT64_MAX for none) or a signal. An unpark() that came
   * since the task last returned from park() makes the next one return at once: no wake-up is lost. Spurious returns are allowed
   * and reported as LXNET_PARK_WOKEN. With `interruptible` zero a signal does not end it. */
  int (*park)(void* ctx, int64_t deadline, int interruptible);
  /* any, often with locks held. Ends the task's present or next park(). The switch itself may be put off until the caller gives
   * back its last lock, so that who wakes does not run into it. */
  void (*unpark)(void* ctx, struct lxnet_task* task);

  /* ---- locks: optional, both or neither; without them the host promises never to call in from two processors at once ----- */

  /* any. A short, non-sleeping lock; where packets or timers arrive in interrupts it must keep them off this processor. */
  void (*lock)(void* ctx, struct lxnet_lock* lock);
  void (*unlock)(void* ctx, struct lxnet_lock* lock);

  /* ---- user memory ------------------------------------------------------------------------------------------- */

  /* task; no lock is held. Copies from or to the current task's memory; returns how many bytes, at the end, could NOT be copied.
   */
  size_t (*copy_from_user)(void* ctx, void* to, uint64_t user_from, size_t size);
  size_t (*copy_to_user)(void* ctx, uint64_t user_to, const void* from, size_t size);

  /* ---- who is asking ----------------------------------------------------------------------------------------- */

  /* task. */
  void (*credentials)(void* ctx, struct lxnet_credentials* out);
  /* task. Non-zero when the current task has this capability over the stack's network namespace. */
  int (*capable)(void* ctx, int capability);
  /* any. Zero, or a negative errno (-EPERM, -ESRCH). signo 0 only asks, as kill() does. */
  int (*send_signal)(void* ctx, const struct lxnet_signal* signal);

  /* ---- descriptors of the current task -------------------------------------------------------------------------- */

  /* task. Installs `file` at the lowest free number. `flags`: O_CLOEXEC. Takes over one count of the file on success. Returns the
   * number, or -EMFILE, -ENFILE, -ENOMEM. */
  int (*install_fd)(void* ctx, struct lxnet_file* file, uint32_t flags);
  /* task. The file behind a number, with a count for the caller. Null with *error = EBADF when nothing is open there, and null
   * with *error = ENOTSOCK when the file is not one of lxnet's. */
  struct lxnet_file* (*find_fd)(void* ctx, int fd, int* error);
  /* task. Takes back a number that install_fd() gave in this very call, before the task has seen it. */
  void (*release_fd)(void* ctx, int fd);

  /* ---- trouble ----------------------------------------------------------------------------------------------- */

  /* any. One line, without a newline. */
  void (*log)(void* ctx, int level, const char* message);
  /* any. The core's own state is broken. Does not return. */
  void (*panic)(void* ctx, const char* message);

  /* ================================ optional tail ================================ */

  /* any. A slot of the running context (one per task and one per interrupt level), zero at first: debug builds keep the chain of
   * held locks there. Without it lock ranks are not checked. */
  void** (*lock_slot)(void* ctx);
  /* any. The number of the processor this runs on, below 64: spreads pools and counters. Without it everything uses the first. */
  uint32_t (*processor)(void* ctx);

  /* task. Resource limits, by Linux's RLIMIT_* number; without it none apply. */
  uint64_t (*resource_limit)(void* ctx, int resource);

  /* task. Zero when install_fd() would find a number now, else -EMFILE or -ENFILE: asked before a connection is taken off a
   * queue. */
  int (*check_fd_room)(void* ctx);
  /* task. Replaces the task's signal mask (Linux's 64-bit sigset) until the system call ends, for ppoll, pselect6 and
   * epoll_pwait: the host restores it after the signal that interrupted the call, if any, has been delivered, as sigtimedwait's
   * kin do. Without it those calls with a mask give ENOSYS. */
  int (*swap_signal_mask)(void* ctx, uint64_t mask);

  /* -- names of AF_UNIX in the file system; without it a pathname gets EOPNOTSUPP -- */

  /* task. Creates a socket node with mode 0777 & ~umask; *node identifies it. 0 or a negative errno (-EADDRINUSE if it exists).
   */
  int (*path_create_socket)(void* ctx, const char* path, uint64_t node[2]);
  /* task. Finds a socket node and checks write permission. 0 or a negative errno (-ENOENT, -EACCES, -ECONNREFUSED if no socket).
   */
  int (*path_find_socket)(void* ctx, const char* path, uint64_t node[2]);

  /* -- files that are not ours: SCM_RIGHTS, poll and epoll on pipes, sendfile, splice -- */

  /* task. The file behind a number, with a count; null when nothing is open there. */
  struct lxnet_foreign_file* (*foreign_get)(void* ctx, int fd);
  /* any. */
  void (*foreign_ref)(void* ctx, struct lxnet_foreign_file* file);
  void (*foreign_unref)(void* ctx, struct lxnet_foreign_file* file);
  /* any; optional, both or neither. Counts that do not keep the file open, for an epoll set's entry: when the program's last
   * descriptor of it is closed the entry is told nothing more. Without them foreign_ref and foreign_unref serve. */
  void (*foreign_watch)(void* ctx, struct lxnet_foreign_file* file);
  void (*foreign_unwatch)(void* ctx, struct lxnet_foreign_file* file);
  /* task. */
  int (*foreign_install_fd)(void* ctx, struct lxnet_foreign_file* file, uint32_t flags);
  /* task. The file's poll bits now; with a waiter, lxnet_foreign_ready() is called when they may have changed. -EPERM for a file
   * that cannot be polled by epoll. */
  int64_t (*foreign_poll)(void* ctx, struct lxnet_foreign_file* file, struct lxnet_poll_waiter* waiter);
  void (*foreign_poll_cancel)(void* ctx, struct lxnet_foreign_file* file, struct lxnet_poll_waiter* waiter);
  /* task. Reads or writes kernel memory at *offset, or at the file's own position when offset is null; may block. Bytes or
   * -errno. */
  int64_t (*foreign_read)(void* ctx, struct lxnet_foreign_file* file, void* to, size_t size, int64_t* offset);
  int64_t (*foreign_write)(void* ctx, struct lxnet_foreign_file* file, const void* from, size_t size, int64_t* offset);

  /* -- what drivers need -- */

  /* Maps `size` bytes of device memory at physical address `address`; null when it cannot. */
  volatile void* (*map_device_memory)(void* ctx, uint64_t address, size_t size);
  /* Memory both sides see, with its bus address. */
  void* (*alloc_dma)(void* ctx, size_t size, size_t align, uint64_t* bus_address);
  void (*free_dma)(void* ctx, void* block, size_t size);
  /* Calls handler(argument) when interrupt `line` fires. */
  int (*attach_interrupt)(void* ctx, uint32_t line, void (*handler)(void* argument), void* argument);
  /* PCI configuration space of bus:device.function packed as (bus << 8 | device << 3 | function). */
  uint32_t (*pci_config_read)(void* ctx, uint32_t function, uint32_t offset, uint32_t width);
  void (*pci_config_write)(void* ctx, uint32_t function, uint32_t offset, uint32_t width, uint32_t value);

  /* -- more for AF_UNIX; each optional -- */

  /* task. Takes back the node that path_create_socket() made in this very call, by the same path: the socket turned out to have a
   * name already, or memory ran out. Without it such a node stays. */
  void (*path_remove_socket)(void* ctx, const char* path);
  /* task. A file that stands for the process of this thread group id (Linux: a pidfd), with a count, as foreign_get() gives one;
   * null when there is no such process. Needs the foreign functions. Without it SO_PEERPIDFD and SO_PASSPIDFD have nothing to
   * hand out, and credentials that name another process are believed. */
  struct lxnet_foreign_file* (*process_file)(void* ctx, int32_t tgid);
  /* any; optional. What the file is: LXNET_FOREIGN_* bits. Without it splice() knows no pipe. */
  uint32_t (*foreign_traits)(void* ctx, struct lxnet_foreign_file* file);
  /* task. The node that path_create_socket() made in this very call, by the same path, opened as O_PATH opens: what SIOCUNIXFILE
   * hands out as long as the socket lives, whatever became of the path. With a count; null when it cannot be had. Needs the
   * foreign functions. Without it SIOCUNIXFILE of a path is left to the host (ENOSYS). */
  struct lxnet_foreign_file* (*path_file)(void* ctx, const char* path);

  /* -- more for select and poll; each optional -- */

  /* task. How many numbers the caller's descriptor table has places for now (Linux: FDSize in /proc/<pid>/status): select looks
   * no further. Without it RLIMIT_NOFILE. */
  uint32_t (*fd_table_size)(void* ctx);
  /* task. Linux's personality(2) of the caller; without it zero. */
  uint32_t (*personality)(void* ctx);

  /* -- more for splice; optional -- */

  /* task. Copies what comes next in a pipe and leaves it there; never waits. Bytes, zero at its end, -EAGAIN while it is empty.
   * Without it what splice() read from a pipe is lost when the socket refuses it. */
  int64_t (*foreign_peek)(void* ctx, struct lxnet_foreign_file* file, void* to, size_t size);

  /* -- more for calls; optional -- */

  /* task. As find_fd, but without a count: the file stays until the call that asks is over. For a host where nobody but the
   * calling task can close what it has open (one task, one table), as Linux's fdget() does for a process of one thread. Without
   * it every call counts. */
  struct lxnet_file* (*lend_fd)(void* ctx, int fd, int* error);

  /* -- other network namespaces; both or neither. Interfaces then pass from one stack to another, and a veth pair joins two:
   * their hosts share `ctx`, and who destroys a stack keeps calls off those that are joined with it. Without them there are none.
   * -- */

  /* task. The stack of the network namespace that LXNET_NAMESPACE_* and `number` name; it stays as long as the call. Null with
   * *error = EBADF, EINVAL (another file, or no stack can be made) or ESRCH. */
  struct lxnet_stack* (*find_stack)(void* ctx, int kind, int32_t number, int* error);
  /* task. As capable(), over the network namespace of that stack. */
  int (*capable_over)(void* ctx, const struct lxnet_stack* stack, int capability);

  /* -- more for sendfile; optional -- */

  /* task. Where a file stands: moved to `position`, or only asked when that is negative. The position, or -ESPIPE for a file that
   * has none. Without it what sendfile() read and the socket then refused is lost to who reads the file next. */
  int64_t (*foreign_seek)(void* ctx, struct lxnet_foreign_file* file, int64_t position);

  /* -- what tasks forbid themselves (Linux: Landlock); all four or none. Without them nobody is confined. -- */

  /* task. Whether the current task may use a TCP port so (LXNET_PORT_*). */
  int (*check_port)(void* ctx, int use, uint16_t port);
  /* task. What confines the current task, with a count; null for nothing. */
  struct lxnet_confinement* (*confinement)(void* ctx);
  /* any. */
  void (*confinement_unref)(void* ctx, struct lxnet_confinement* confinement);
  /* task; no lock is held. Non-zero when the current task may connect or send to an abstract AF_UNIX name of a socket that was
   * made by somebody so confined (null: by nobody confined). */
  int (*may_reach)(void* ctx, const struct lxnet_confinement* maker);
};

#ifdef __cplusplus
}
#endif

#endif /* LXNET_HAL_H */
