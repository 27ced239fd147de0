#include "hosts/linux/hal_table.hh"
#include "absl/strings/str_cat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cstdlib>

#include <algorithm>
#include <cstring>

#include "hal/lxnet.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/foreign_file.hh"
#include "hosts/linux/landlock/confinement.hh"
#include "hosts/linux/process_status.hh"
#include "hosts/linux/socket_node.hh"
#include "hosts/linux/supervisor.hh"
#include "hosts/linux/uring/request_context.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

Supervisor& supervisor(void* ctx) { return *static_cast<Supervisor*>(ctx); }
ForeignFile& foreign(lxnet_foreign_file* file) { return *reinterpret_cast<ForeignFile*>(file); }
lxnet_foreign_file* opaque(ForeignFile* file) { return reinterpret_cast<lxnet_foreign_file*>(file); }

// ---- time, memory, entropy

int64_t hal_monotonic_nanos(void*) { return now_nanos(); }
int64_t hal_wall_nanos(void*) { return clock_nanos(CLOCK_REALTIME); }
void hal_set_alarm(void* ctx, lxnet_stack* stack, int64_t time) { supervisor(ctx).stacks().set_alarm(stack, time); }

void* hal_alloc(void* ctx, size_t size, size_t align) {
  if (align >= SharedMemory::kPage) return supervisor(ctx).shared_memory().allocate(size);
  void* block = nullptr;
  return ::posix_memalign(&block, std::max(align, sizeof(void*)), size) == 0 ? block : nullptr;
}
void hal_free(void* ctx, void* block, size_t) {
  const bool is_page = reinterpret_cast<uintptr_t>(block) % SharedMemory::kPage == 0;
  if (!is_page || !supervisor(ctx).shared_memory().free(block)) ::free(block);
}

void hal_random_bytes(void*, void* buffer, size_t size) {
  auto* to = static_cast<char*>(buffer);
  while (size > 0) {
    ssize_t got = ::getrandom(to, std::min<size_t>(size, 256), 0);
    if (got <= 0) continue;  // a signal
    to += got;
    size -= static_cast<size_t>(got);
  }
}

// ---- tasks

lxnet_task* hal_current_task(void* ctx) { return reinterpret_cast<lxnet_task*>(supervisor(ctx).current_fiber()); }

int hal_park(void* ctx, int64_t deadline, int interruptible) {
  Supervisor& self = supervisor(ctx);
  if (Call* call = self.current_call()) {
    call->found_fd = -1;
    if (interruptible && call->task->is_dead()) return LXNET_PARK_INTERRUPTED;
    // Its mask may just have opened to a signal that waits already.
    if (call->has_sigmask) self.signals().expect_soon(now_nanos());
  }
  return self.fibers().park(deadline, interruptible != 0);
}

void hal_unpark(void* ctx, lxnet_task* task) { supervisor(ctx).fibers().unpark(reinterpret_cast<Fiber*>(task)); }

void** hal_lock_slot(void* ctx) { return supervisor(ctx).lock_slot(); }

// ---- user memory

size_t hal_copy_from_user(void* ctx, void* to, uint64_t from, size_t size) {
  Call* call = supervisor(ctx).current_call();
  if (call == nullptr || call->task->is_dead()) return size;
  if (call->request != nullptr && call->request->window.has(from, size)) {
    std::memcpy(to, call->request->window.at(from), size);
    return 0;
  }
  return copy_from_task(call->tid(), to, from, size);
}

size_t hal_copy_to_user(void* ctx, uint64_t to, const void* from, size_t size) {
  Call* call = supervisor(ctx).current_call();
  if (call == nullptr || call->task->is_dead()) return size;
  if (call->request != nullptr && call->request->window.has(to, size)) {
    std::memcpy(call->request->window.at(to), from, size);
    return 0;
  }
  return copy_to_task(call->tid(), to, from, size);
}

// ---- who is asking

void hal_credentials(void* ctx, lxnet_credentials* out) {
  *out = {};
  Call* call = supervisor(ctx).current_call();
  std::optional<ProcessStatus> status = call == nullptr ? std::nullopt : read_process_status(call->tid());
  if (!status) return;
  out->pid = call->tid();
  out->tgid = status->tgid;
  out->uid = status->uid;
  out->euid = status->euid;
  out->suid = status->saved_uid;
  out->gid = status->gid;
  out->egid = status->egid;
  out->sgid = status->saved_gid;
  out->group_count = static_cast<uint32_t>(status->groups.size());
  std::copy_n(status->groups.begin(), std::min(status->groups.size(), std::size(out->groups)), out->groups);
}

int hal_capable(void* ctx, int capability) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  return call == nullptr || self.is_capable(*call, capability, call->stack) ? 1 : 0;
}

int hal_capable_over(void* ctx, const lxnet_stack* stack, int capability) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  return call == nullptr || self.is_capable(*call, capability, stack) ? 1 : 0;
}

lxnet_stack* hal_find_stack(void* ctx, int kind, int32_t number, int* error) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  if (call != nullptr) return self.find_stack(*call, kind, number, error);
  *error = EINVAL;
  return nullptr;
}

bool may_signal(const lxnet_signal& signal, pid_t target) {
  if (signal.euid == 0 || signal.uid == 0) return true;
  std::optional<ProcessStatus> status = read_process_status(std::abs(target));
  if (!status) return true;  // the sending says ESRCH
  return signal.euid == status->saved_uid || signal.euid == status->uid || signal.uid == status->saved_uid ||
         signal.uid == status->uid;
}

int hal_send_signal(void* ctx, const lxnet_signal* signal) {
  Supervisor& self = supervisor(ctx);
  self.signals().expect_soon(now_nanos());
  Call* call = self.current_call();
  pid_t target = signal->target;
  if (signal->target_kind == LXNET_SIGNAL_THREAD && target == 0) {
    if (call == nullptr) return -ESRCH;
    target = call->tid();
  } else if (!may_signal(*signal, target)) {
    return -EPERM;
  }
  long result;
  if (signal->fd >= 0 && signal->code != 0 && signal->signo >= SIGRTMIN && signal->target_kind != LXNET_SIGNAL_GROUP) {
    // The kernel lets nobody forge POLL_IN and its kin; SI_SIGIO is what it lets through with the descriptor and the band.
    siginfo_t info = {};
    info.si_signo = signal->signo;
    info.si_code = SI_SIGIO;
    info.si_fd = signal->fd;
    info.si_band = signal->band;
    std::optional<ProcessStatus> status = read_process_status(target);
    if (!status) return -ESRCH;
    result = signal->target_kind == LXNET_SIGNAL_THREAD
                 ? ::syscall(SYS_rt_tgsigqueueinfo, status->tgid, target, signal->signo, &info)
                 : ::syscall(SYS_rt_sigqueueinfo, target, signal->signo, &info);
  } else if (signal->target_kind == LXNET_SIGNAL_THREAD) {
    result = ::syscall(SYS_tkill, target, signal->signo);
  } else {
    result = ::kill(signal->target_kind == LXNET_SIGNAL_GROUP ? -std::abs(target) : target, signal->signo);
  }
  return result == 0 ? 0 : -errno;
}

uint64_t hal_resource_limit(void* ctx, int resource) {
  Call* call = supervisor(ctx).current_call();
  rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
  if (call == nullptr) return limit.rlim_cur;
  if (::prlimit64(call->tid(), static_cast<__rlimit_resource>(resource), nullptr, &limit) == 0) return limit.rlim_cur;
  // Of another user's process only CAP_SYS_RESOURCE may ask the kernel; /proc tells whoever may look into it.
  return read_soft_limit(call->tid(), resource).value_or(RLIM64_INFINITY);
}

uint32_t hal_fd_table_size(void* ctx) {
  Call* call = supervisor(ctx).current_call();
  std::optional<ProcessStatus> status = call == nullptr ? std::nullopt : read_process_status_at(call->task->status_fd());
  return status ? status->fd_table_size : UINT32_MAX;
}

uint32_t hal_personality(void* ctx) {
  Call* call = supervisor(ctx).current_call();
  return call == nullptr ? 0 : read_personality(call->tid());
}

// Only a process with as many descriptors as its limit can lack a number below it; then they are looked at. (Kernels before 6.2
// do not tell how many there are: there an accepted connection without a number is closed.)
int hal_check_fd_room(void* ctx) {
  Call* call = supervisor(ctx).current_call();
  if (call == nullptr || call->serves_ring) return 0;  // a ring's request looks for a number itself
  std::string path = absl::StrCat("/proc/", call->tid(), "/fd");
  uint64_t limit = hal_resource_limit(ctx, RLIMIT_NOFILE), below = 0;
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || static_cast<uint64_t>(status.st_size) < limit) return 0;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return 0;
  while (dirent* entry = ::readdir(directory)) {
    bool is_number = entry->d_name[0] != '.';
    if (is_number && std::strtoull(entry->d_name, nullptr, 10) < limit) below++;
  }
  ::closedir(directory);
  return below >= limit ? -EMFILE : 0;
}

// ---- descriptors

int hal_install_fd(void* ctx, lxnet_file* file, uint32_t flags) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  if (call == nullptr) return -EBADF;
  const bool is_cloexec = (flags & O_CLOEXEC) != 0;
  return call->request != nullptr ? call->request->install(file, is_cloexec) : self.files().install(*call, file, is_cloexec);
}

lxnet_file* hal_find_fd(void* ctx, int fd, int* error) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  if (call == nullptr) {
    *error = EBADF;
    return nullptr;
  }
  if (lxnet_file* held = call->request == nullptr ? nullptr : call->request->find(fd); held != nullptr) {
    lxnet_file_ref(held);
    return held;
  }
  lxnet_file* file = fd == call->found_fd ? call->found_file : self.files().find(*call->task, fd, error);
  if (file != nullptr) lxnet_file_ref(file);
  return file;
}

void hal_release_fd(void* ctx, int fd) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  lxnet_file* file = call == nullptr ? nullptr : self.files().disown(*call->task, fd);
  if (file != nullptr) lxnet_file_unref(file);
}

// ---- trouble

void hal_log(void* ctx, int level, const char* message) { supervisor(ctx).log(level, message); }

void hal_panic(void* ctx, const char* message) {
  supervisor(ctx).log(LXNET_LOG_ERROR, message);
  ::abort();
}

int hal_swap_signal_mask(void* ctx, uint64_t mask) {
  Call* call = supervisor(ctx).current_call();
  if (call == nullptr) return -ESRCH;
  call->has_sigmask = true;
  call->sigmask = mask & ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
  return 0;
}

// ---- AF_UNIX names, foreign files

int hal_path_create_socket(void* ctx, const char* path, uint64_t node[2]) {
  Call* call = supervisor(ctx).current_call();
  return call == nullptr ? -ESRCH : create_socket_node(*call, path, node);
}

int hal_path_find_socket(void* ctx, const char* path, uint64_t node[2]) {
  Call* call = supervisor(ctx).current_call();
  return call == nullptr ? -ESRCH : find_socket_node(*call, path, node);
}

void hal_path_remove_socket(void* ctx, const char* path) {
  if (Call* call = supervisor(ctx).current_call()) remove_socket_node(*call, path);
}

lxnet_foreign_file* hal_process_file(void* ctx, int32_t tgid) {
  OwnedFd process(static_cast<int>(::syscall(SYS_pidfd_open, tgid, 0)));
  return process.is_open() ? opaque(supervisor(ctx).foreign_files().find_or_create(std::move(process))) : nullptr;
}

lxnet_foreign_file* hal_foreign_get(void* ctx, int fd) {
  Supervisor& self = supervisor(ctx);
  Call* call = self.current_call();
  OwnedFd copy(call == nullptr ? -EBADF : call->task->copy_fd(fd));
  return copy.is_open() ? opaque(self.foreign_files().find_or_create(std::move(copy))) : nullptr;
}

void hal_foreign_ref(void*, lxnet_foreign_file* file) { foreign(file).hold(); }
void hal_foreign_unref(void*, lxnet_foreign_file* file) { foreign(file).release(); }
void hal_foreign_watch(void*, lxnet_foreign_file* file) { foreign(file).watch(); }
void hal_foreign_unwatch(void*, lxnet_foreign_file* file) { foreign(file).unwatch(); }

int hal_foreign_install_fd(void* ctx, lxnet_foreign_file* file, uint32_t flags) {
  Call* call = supervisor(ctx).current_call();
  if (call == nullptr) return -EBADF;
  const int number = foreign(file).install(*call, (flags & O_CLOEXEC) != 0);
  return call->serves_ring && number == -ENOENT ? -EMFILE : number;  // the notice is answered
}

int64_t hal_foreign_poll(void*, lxnet_foreign_file* file, lxnet_poll_waiter* waiter) { return foreign(file).poll(waiter); }
void hal_foreign_poll_cancel(void*, lxnet_foreign_file* file, lxnet_poll_waiter* waiter) { foreign(file).cancel(waiter); }

uint32_t hal_foreign_traits(void*, lxnet_foreign_file* file) { return foreign(file).traits(); }

int64_t hal_foreign_read(void*, lxnet_foreign_file* file, void* to, size_t size, int64_t* offset) {
  return foreign(file).read(to, size, offset);
}
int64_t hal_foreign_peek(void*, lxnet_foreign_file* file, void* to, size_t size) { return foreign(file).peek(to, size); }
int64_t hal_foreign_seek(void*, lxnet_foreign_file* file, int64_t position) { return foreign(file).seek(position); }
int64_t hal_foreign_write(void*, lxnet_foreign_file* file, const void* from, size_t size, int64_t* offset) {
  return foreign(file).write(from, size, offset);
}

}  // namespace

uint64_t inode_of_socket(void* ctx, uint64_t cookie) {
  uint64_t found = 0;
  supervisor(ctx).files().for_each([&](lxnet_file* file, ino_t inode) {
    if (lxnet_file_cookie(file) == cookie) found = inode;
  });
  return found;
}

// No locks: the supervisor is one thread, and fibers switch only where the core parks.
lxnet_hal make_hal(Supervisor& self) {
  lxnet_hal hal = {};
  hal.abi_version = LXNET_HAL_VERSION;
  hal.struct_size = sizeof hal;
  hal.ctx = &self;
  hal.monotonic_nanos = hal_monotonic_nanos;
  hal.wall_nanos = hal_wall_nanos;
  hal.set_alarm = hal_set_alarm;
  hal.alloc = hal_alloc;
  hal.free = hal_free;
  hal.random_bytes = hal_random_bytes;
  hal.current_task = hal_current_task;
  hal.park = hal_park;
  hal.unpark = hal_unpark;
  hal.copy_from_user = hal_copy_from_user;
  hal.copy_to_user = hal_copy_to_user;
  hal.credentials = hal_credentials;
  hal.capable = hal_capable;
  hal.send_signal = hal_send_signal;
  hal.install_fd = hal_install_fd;
  hal.find_fd = hal_find_fd;
  hal.release_fd = hal_release_fd;
  hal.log = hal_log;
  hal.panic = hal_panic;
  hal.lock_slot = hal_lock_slot;
  hal.resource_limit = hal_resource_limit;
  hal.check_fd_room = hal_check_fd_room;
  hal.swap_signal_mask = hal_swap_signal_mask;
  hal.path_create_socket = hal_path_create_socket;
  hal.path_find_socket = hal_path_find_socket;
  hal.foreign_get = hal_foreign_get;
  hal.foreign_ref = hal_foreign_ref;
  hal.foreign_unref = hal_foreign_unref;
  hal.foreign_watch = hal_foreign_watch;
  hal.foreign_unwatch = hal_foreign_unwatch;
  hal.foreign_install_fd = hal_foreign_install_fd;
  hal.foreign_poll = hal_foreign_poll;
  hal.foreign_poll_cancel = hal_foreign_poll_cancel;
  hal.foreign_read = hal_foreign_read;
  hal.foreign_traits = hal_foreign_traits;
  hal.foreign_write = hal_foreign_write;
  hal.foreign_peek = hal_foreign_peek;
  hal.foreign_seek = hal_foreign_seek;
  hal.path_remove_socket = hal_path_remove_socket;
  hal.process_file = hal_process_file;
  hal.fd_table_size = hal_fd_table_size;
  hal.personality = hal_personality;
  hal.find_stack = hal_find_stack;
  hal.capable_over = hal_capable_over;
  landlock::add_confinement(hal);
  return hal;
}

}  // namespace lxnet::host
