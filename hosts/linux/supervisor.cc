#include "hosts/linux/supervisor.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/family_name.hh"
#include "hosts/linux/hal_table.hh"
#include "hosts/linux/landlock/domain.hh"
#include "hosts/linux/open_request.hh"
#include "hosts/linux/proc_file.hh"
#include "hosts/linux/process_status.hh"
#include "hosts/linux/program_timer.hh"
#include "hosts/linux/tun_opening.hh"
#include "hosts/linux/tunable_calls.hh"

namespace lxnet::host {
namespace {

constexpr int64_t kSweepEvery = 50 * kMillisecond;
constexpr int64_t kRestartSys = -512;
constexpr int64_t kRestartBlock = -516;

constexpr int kMostLooks = 64;

bool is_restart(int64_t result) { return result <= kRestartSys && result >= kRestartBlock; }

bool is_bad_fd_first(const Call& call) {
  constexpr uint64_t kKernelBit = uint64_t{1} << 63;
  if (call.row.bad_fd == CallRow::BadFd::AfterBuffer) return (call.notice.data.args[1] & kKernelBit) == 0;
  return call.row.bad_fd == CallRow::BadFd::IsFirst;
}

int abi_of(uint32_t arch) {
  if (arch == AUDIT_ARCH_X86_64) return LXNET_ABI_X86_64;
  return arch == AUDIT_ARCH_I386 ? LXNET_ABI_I386 : LXNET_ABI_GENERIC;
}

}  // namespace

Supervisor::Supervisor(int log_level)
    : log_level_(log_level),
      tasks_(loop_, [this](Task& task) { on_death(task); }),
      rings_(shared_memory_, tasks_),
      files_(loop_, rings_, [this](lxnet_file* file) { close_file(file); }),
      foreign_files_(loop_, fibers_),
      async_io_(files_),
      uring_({.fibers = fibers_,
              .files = files_,
              .tasks = tasks_,
              .stack_of = [this](Task& task) { return stacks_.get(task, hal_); },
              .is_left_to_the_kernel = [this](const Call& call, int64_t result) { return is_left_to_the_kernel(call, result); }}),
      signals_(fibers_, [this](Task& task, const ProcessStatus& status) { foreign_files_.note_signals(task, status); }),
      confinement_(tasks_),
      native_calls_(::seccomp_arch_native()),
      i386_calls_(SCMP_ARCH_X86),
      hal_(make_hal(*this)) {}

void Supervisor::print_calls_to(std::shared_ptr<OwnedFd> file) {
  constexpr uint32_t kStringLimit = 32, kResultColumn = 40, kThreadWidth = 6;  // as strace -f -o
  call_log_ = std::move(file);
  lxnet_trace trace = {};
  trace.struct_size = sizeof trace;
  trace.string_limit = kStringLimit;
  trace.column = kResultColumn - kThreadWidth;
  trace.ctx = this;
  trace.line = [](void* ctx, const char* text, size_t size) {
    auto& self = *static_cast<Supervisor*>(ctx);
    Call* call = self.current_call();
    std::string line = absl::StrFormat("%-5d ", call == nullptr ? 0 : call->tid());
    line.append(text, size);
    line += '\n';
    // A full disk ends the log, not the program.
    if (::write(self.call_log_->get(), line.data(), line.size()) < 0)
      self.log(LXNET_LOG_WARNING, "the log of calls cannot be written");
  };
  stacks_.print_calls(trace);
}

absl::Status Supervisor::create_stack(bool serves_unix) { return stacks_.create_default(hal_, serves_unix); }

Listener* Supervisor::add_listener(OwnedFd listener) {
  auto on_notice = [this](Listener& from, const seccomp_notif& notice) { received_.push_back({&from, notice}); };
  listeners_.push_back(std::make_unique<Listener>(loop_, std::move(listener), on_notice));
  return listeners_.back().get();
}

bool Supervisor::has_programs() const {
  return std::any_of(listeners_.begin(), listeners_.end(), [](const auto& listener) { return !listener->has_ended(); });
}

void Supervisor::kill_programs_of(const Listener& listener) {
  tasks_.for_each([&](Task& task) {
    if (task.listener == &listener) ::kill(task.tid(), SIGKILL);
  });
}

// Closing may wait (SO_LINGER), and belongs to no call.
void Supervisor::close_file(lxnet_file* file) {
  rings_.forget(file);
  fibers_.start([file] { lxnet_file_unref(file); });
}

void Supervisor::on_death(Task& task) {
  if (task.fiber != nullptr) fibers_.interrupt(task.fiber);
  signals_.forget_timers_of(task.tid());
  foreign_files_.forget_process(task.tid());
  confinement_.note_death(task);
  async_io_.forget_process(task.tid());
  uring_.on_death(task);
  if (rings_.has_lent()) rings_.forget_ended();
  // Its parent gets SIGCHLD about now.
  signals_.expect_soon(now_nanos());
}

void Supervisor::raise_descriptor_limit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void Supervisor::turn(int64_t deadline) {
  if (fibers_.has_ready() || !received_.empty()) deadline = 0;
  loop_.wait(
      std::min({deadline, fibers_.next_deadline(), stacks_.next_alarm(), signals_.next_deadline(), uring_.next_deadline()}));
  size_t due = receive_all();
  int64_t now = now_nanos();
  stacks_.expire();
  fibers_.expire(now);
  signals_.scan(now);
  uring_.look_at_waiting(now);
  uring_.drop_views(now);
  if ((files_.set_count() != 0 || !uring_.is_idle()) && now >= next_sweep_) {
    files_.sweep();
    uring_.sweep();
    next_sweep_ = now + kSweepEvery;
  }
  std::vector<Received> serving(received_.begin(), received_.begin() + static_cast<ptrdiff_t>(due));
  received_.erase(received_.begin(), received_.begin() + static_cast<ptrdiff_t>(due));
  for (const Received& received : serving) serve(*received.listener, received.notice);
  fibers_.run_ready();
}

// Looks until nobody new has come: a thread whose notice is not received can still be interrupted by a signal. How many of
// received_ may be served: those after which there was a look.
size_t Supervisor::receive_all() {
  size_t seen = 0;
  for (int looks = 0; received_.size() > seen && looks < kMostLooks; looks++) {
    seen = received_.size();
    loop_.wait(0);
  }
  return seen;
}

void Supervisor::serve(Listener& listener, const seccomp_notif& notice) {
  CallTable& table = notice.data.arch == SCMP_ARCH_X86 ? i386_calls_ : native_calls_;
  const CallRow* row = table.find(notice.data.nr);
  std::shared_ptr<Task> task = tasks_.find_or_create(static_cast<pid_t>(notice.pid));
  if (task == nullptr) return;  // killed meanwhile
  task->listener = &listener;
  task->calls++ == 0 ? confinement_.adopt(*task) : confinement_.note_call(*task);
  if (row == nullptr) return continue_natively(listener, notice.id);
  sweep_sets(*row);
  Call call{.listener = listener, .notice = notice, .row = *row, .task = std::move(task), .started = now_nanos()};
  if (rings_.has_lent()) rings_.put_back(call);
  uring_.offer_numbers(call);
  switch (row->shape) {
    case Shape::Signal:
      signals_.expect_soon(call.started);
      return continue_natively(listener, notice.id);
    case Shape::Open:
      return serve_open(call);
    case Shape::Map:
      return serve_map(call);
    case Shape::AsyncIo:
      return async_io_.is_idle() ? continue_natively(listener, notice.id) : serve_async(std::move(call));
    case Shape::Ring:
      return serve_ring(call);
    case Shape::Timer:
      note_timer(signals_, call);
      return continue_natively(listener, notice.id);
    case Shape::SignalFile:
      foreign_files_.note_signal_mask(call);
      return continue_natively(listener, notice.id);
    case Shape::Namespace:
      // The thread's next notice comes after it has changed.
      call.task->stack = nullptr;
      return continue_natively(listener, notice.id);
    case Shape::Creation:
    case Shape::Ruleset:
    case Shape::Restrict:
      return serve_confining(call);
    case Shape::Refused:
      return answer(call, -ENOSYS);
    case Shape::Restart:
      return resume_call(std::move(call));
    case Shape::FirstFd:
    case Shape::Splice:
      if (!rings_.is_empty() && std::strcmp(row->name, "setsockopt") == 0) rings_.recount();
      if (int error = 0; !is_ours(call, &error)) {
        return error == EBADF && is_bad_fd_first(call) ? answer(call, -EBADF) : continue_natively(listener, notice.id);
      }
      if (call.found_tunable != nullptr) {
        std::optional<int64_t> result = serve_tunable_call(call, *call.found_tunable);
        return result ? answer(call, *result) : continue_natively(listener, notice.id);
      }
      call.is_on_our_file = true;
      return start_call(std::move(call));
    case Shape::Core:
      return start_call(std::move(call));
  }
}

// A set that is closed must not be found ready by a call that asks after sets which watch it. The last set is not asked about:
// a call on it finds it open.
void Supervisor::sweep_sets(const CallRow& row) {
  if (files_.set_count() == 0) return;
  bool asks_sets = std::strncmp(row.name, "epoll_", 6) == 0 && files_.set_count() > 1;
  if (asks_sets || row.shape == Shape::Core) files_.sweep();
}

bool Supervisor::is_ours(Call& call, int* error) const {
  if (files_.size() == 0) return false;
  for (int argument : {0, 2}) {
    call.found_fd = static_cast<int>(call.notice.data.args[argument]);
    FileTable::Found found = files_.look_up(*call.task, call.found_fd, error);
    call.found_file = found.file;
    call.found_tunable = found.tunable;
    if (found.file != nullptr || found.tunable != nullptr) return true;
    if (call.row.shape != Shape::Splice) return false;
  }
  return false;
}

bool Supervisor::is_capable(const Call& call, int capability, const lxnet_stack* stack) const {
  std::optional<ProcessStatus> status = read_process_status(call.tid());
  if (!status || (status->effective_capabilities >> capability & 1) == 0) return false;
  return stacks_.is_owner(call.tid(), stack == nullptr ? call.task->stack : stack);
}

lxnet_stack* Supervisor::find_stack(const Call& call, int kind, int32_t number, int* error) {
  OwnedFd opened;
  if (kind == LXNET_NAMESPACE_OF_FD) {
    opened = OwnedFd(call.task->copy_fd(number));
    *error = opened.get() == -EBADF ? EBADF : EINVAL;
  } else {
    opened = open_namespace_of(call.tid(), number);
    *error = ESRCH;
  }
  if (!opened.is_open()) return nullptr;
  *error = EINVAL;
  return stacks_.get(std::move(opened), hal_);
}

void Supervisor::serve_open(Call& call) {
  const std::optional<OpenRequest> request = read_open_request(call);
  lxnet_stack* stack = request ? stacks_.get(*call.task, hal_) : nullptr;
  if (stack == nullptr) return continue_natively(call.listener, call.notice.id);
  // What Landlock forbids to open, the kernel itself refuses.
  const auto is_forbidden = [&] {
    return call.task->domain != nullptr &&
           !call.task->domain->may_open(request->path, static_cast<int>(request->flags & O_ACCMODE));
  };
  if (TunOpening tun = check_tun_opening(*request, call); tun.is_ours && !is_forbidden()) {
    return answer(call, tun.error != 0 ? tun.error : open_tun(call, stack, request->flags));
  }
  auto may_configure = [&] { return is_capable(call, CAP_NET_ADMIN, nullptr); };
  ProcOpening opening = open_proc_file(*request, stack, files_, may_configure);
  if (!opening.is_ours || is_forbidden()) return continue_natively(call.listener, call.notice.id);
  if (opening.error == 0) {
    opening.error = opening.tunable != nullptr ? files_.install(call, std::move(opening.tunable), opening.is_cloexec)
                                               : call.listener.add_fd(call.notice.id, opening.snapshot.get(), opening.is_cloexec);
  }
  answer(call, opening.error);
}

void Supervisor::serve_map(const Call& call) {
  constexpr int kSize = 1, kDescriptor = 4, kOffset = 5;
  const __u64* arguments = call.notice.data.args;
  int error = 0;
  const auto fd = static_cast<int>(arguments[kDescriptor]);
  lxnet_file* file = files_.size() == 0 ? nullptr : files_.find(*call.task, fd, &error);
  // A file of ours that nobody can map the kernel refuses as well, seeing what stands for it.
  const int result = file == nullptr ? 0 : rings_.lend(call, file, fd, arguments[kSize], arguments[kOffset]);
  if (result == 0 || result == -ENODEV) return continue_natively(call.listener, call.notice.id);
  answer(call, result);
}

void Supervisor::serve_async(Call call) {
  fibers_.start([this, call = std::move(call)]() mutable {
    fibers_.current()->call = &call;
    call.task->fiber = fibers_.current();
    lxnet_stack* stack = stacks_.get(*call.task, hal_);
    const int abi = abi_of(call.notice.data.arch);
    const auto run = [stack, abi](int number, const uint64_t* arguments) {
      return lxnet_syscall(stack, abi, static_cast<uint32_t>(number), arguments);
    };
    std::optional<int64_t> result = stack == nullptr ? std::nullopt : async_io_.serve(call, run);
    result ? answer(call, *result) : continue_natively(call.listener, call.notice.id);
    call.task->fiber = nullptr;
  });
}

void Supervisor::serve_confining(const Call& call) {
  std::optional<int64_t> result;
  if (call.row.shape == Shape::Creation) confinement_.note_creation(call);
  if (call.row.shape == Shape::Ruleset) result = confinement_.note_ruleset(call);
  if (call.row.shape == Shape::Restrict) result = confinement_.note_restriction(call);
  result ? answer(call, *result) : continue_natively(call.listener, call.notice.id);
}

void Supervisor::serve_ring(Call& call) {
  const std::optional<int64_t> result = uring_.serve(call);
  result ? answer(call, *result) : continue_natively(call.listener, call.notice.id);
}

int64_t Supervisor::open_tun(Call& call, lxnet_stack* stack, uint64_t flags) {
  lxnet_file* file = nullptr;
  if (int error = lxnet_tun_open(stack, static_cast<uint32_t>(flags), &file); error != 0) return error;
  int number = files_.install(call, file, (flags & O_CLOEXEC) != 0);
  if (number < 0) lxnet_file_unref(file);
  return number;
}

void Supervisor::start_call(Call call) {
  fibers_.start([this, call = std::move(call)]() mutable {
    uint64_t arguments[6];
    std::copy(std::begin(call.notice.data.args), std::end(call.notice.data.args), arguments);
    run_call(call, call.notice.data.nr, arguments, kNever);
  });
}

// Poll is the only call of ours with this rule: it goes on with the time that is left.
void Supervisor::resume_call(Call call) {
  if (call.task->restart.number < 0) return continue_natively(call.listener, call.notice.id);
  fibers_.start([this, call = std::move(call)]() mutable {
    PendingRestart restart = std::exchange(call.task->restart, PendingRestart{});
    if (restart.deadline != kNever) {
      int64_t left = std::max<int64_t>(0, restart.deadline - call.started);
      restart.arguments[2] = static_cast<uint64_t>((left + kMillisecond - 1) / kMillisecond);
    }
    run_call(call, restart.number, restart.arguments, restart.deadline);
  });
}

void Supervisor::run_call(Call& call, int number, const uint64_t* arguments, int64_t restart_deadline) {
  fibers_.current()->call = &call;
  call.task->fiber = fibers_.current();
  call.task->restart = {};
  // A socket belongs to the namespace it was made in, wherever the thread has gone since.
  call.stack = call.is_on_our_file ? lxnet_file_stack(call.found_file) : stacks_.get(*call.task, hal_);
  if (call.stack == nullptr) {
    answer(call, -ENOMEM);
  } else {
    foreign_files_.look_for_signals(*call.task);
    int64_t result = lxnet_syscall(call.stack, abi_of(call.notice.data.arch), static_cast<uint32_t>(number), arguments);
    finish_call(call, result, number, arguments, restart_deadline);
  }
  call.task->fiber = nullptr;
}

void Supervisor::finish_call(Call& call, int64_t result, int number, const uint64_t* arguments, int64_t restart_deadline) {
  if (is_left_to_the_kernel(call, result)) return continue_natively(call.listener, call.notice.id);
  if (is_restart(result) || result == -EINTR) {
    statistics_.interrupted++;
    // For epoll_pwait the number must be an epoll set of the kernel's.
    bool can_run_natively = !call.is_on_our_file || files_.is_kernels_set(call.found_file);
    if (call.is_interruption_native && can_run_natively) return continue_natively(call.listener, call.notice.id);
    if (call.is_interruption_native) result = -EINTR;
    if (is_restart(result) && call.is_interruption_uncertain) result = -EINTR;
    // The kernel gives ERESTARTNOHAND's meaning to a restart block it does not know; ours is kept until restart_syscall.
    if (result == kRestartBlock) {
      PendingRestart& restart = call.task->restart;
      restart.number = number;
      restart.arch = call.notice.data.arch;
      std::copy(arguments, arguments + 6, restart.arguments);
      int timeout = static_cast<int>(arguments[2]);
      restart.deadline = restart_deadline != kNever ? restart_deadline
                         : timeout < 0              ? kNever
                                                    : call.started + timeout * kMillisecond;
    }
  }
  answer(call, result);
}

// Every call that lxnet answers passes here with its result, and call.notice has the arguments it came with: for each thread in
// the order of its calls.
void Supervisor::answer(const Call& call, int64_t result) {
  statistics_.served++;
  call.listener.answer(call.notice.id, result);
}

bool Supervisor::is_left_to_the_kernel(const Call& call, int64_t result) {
  // A call that lxnet does not know must not run on our stand-in: the program is told. But it is the stand-in that was bound to
  // the node of a path (socket_node.cc).
  if (result == -ENOSYS) {
    constexpr uint32_t kOpenNode = 0x89e0;  // SIOCUNIXFILE
    bool opens_node = std::strcmp(call.row.name, "ioctl") == 0 && static_cast<uint32_t>(call.notice.data.args[1]) == kOpenNode;
    return !call.is_on_our_file || opens_node;
  }
  if (std::strncmp(call.row.name, "socket", 6) != 0) return false;
  // Of netlink only some protocols are ours; whether the others exist is the kernel's to say.
  bool is_netlink = result == -EPROTONOSUPPORT && call.notice.data.args[0] == AF_NETLINK;
  if (result != -EAFNOSUPPORT && !is_netlink) return false;
  // What reaches the network must not go around us; a family that stays on the machine or only configures it may.
  uint64_t family = call.notice.data.args[0];
  if (family == AF_INET || family == AF_INET6 || family == AF_PACKET || std::strcmp(call.row.name, "socketcall") == 0)
    return false;
  if (!is_netlink && lxnet_serves_family(call.stack, static_cast<int>(family)) != 0) return false;
  if (families_left_.insert(family).second) {
    log(LXNET_LOG_INFO, absl::StrCat(family_name(static_cast<int>(family)), " is left to the host kernel").c_str());
  }
  return true;
}

void Supervisor::continue_natively(const Listener& listener, uint64_t id) {
  statistics_.continued++;
  listener.continue_natively(id);
}

void Supervisor::finish() {
  // The dead threads' calls are told by their pidfds; closing files may still send a last segment. The stacks themselves, with
  // what lingers in TIME_WAIT, go with the process.
  int64_t limit = now_nanos() + kSecond;
  while ((fibers_.busy() > 0 || files_.size() > 0 || tasks_.size() > 0) && now_nanos() < limit) {
    next_sweep_ = 0;
    turn(now_nanos() + kMillisecond);
  }
}

void Supervisor::log(int level, const char* message) const {
  if (level <= log_level_) std::fprintf(stderr, "lxnet: %s\n", message);
}

}  // namespace lxnet::host
