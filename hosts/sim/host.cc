#include "hosts/sim/host.hh"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/errno.hh"
#include "hosts/sim/hal_table.hh"

namespace lxnet::sim {
namespace {

// hal.h's restart numbers.
constexpr int64_t kRestartSystemCall = -512;
constexpr int64_t kRestartNoInterrupt = -513;
constexpr int64_t kRestartNoHandler = -514;
constexpr int64_t kRestartBlock = -516;

constexpr uint64_t kUserEnd = uint64_t{1} << 47;

const char* call_name(long number) {
  switch (number) {
    case SYS_accept:
      return "accept";
    case SYS_accept4:
      return "accept4";
    case SYS_connect:
      return "connect";
    case SYS_read:
      return "read";
    case SYS_write:
      return "write";
    case SYS_readv:
      return "readv";
    case SYS_writev:
      return "writev";
    case SYS_recvfrom:
      return "recvfrom";
    case SYS_recvmsg:
      return "recvmsg";
    case SYS_recvmmsg:
      return "recvmmsg";
    case SYS_sendto:
      return "sendto";
    case SYS_sendmsg:
      return "sendmsg";
    case SYS_sendmmsg:
      return "sendmmsg";
    case SYS_poll:
      return "poll";
    case SYS_ppoll:
      return "ppoll";
    case SYS_select:
      return "select";
    case SYS_pselect6:
      return "pselect6";
    case SYS_epoll_wait:
      return "epoll_wait";
    case SYS_epoll_pwait:
      return "epoll_pwait";
    case SYS_close:
      return "close";
    default:
      return "a call";
  }
}

void require(int result, const std::string& what) {
  if (result >= 0) return;
  throw std::runtime_error(what + ": " + strerror(-result));
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

Host::Host(Scheduler& scheduler, std::string name, uint64_t seed, const lxnet_config& config)
    : scheduler_(scheduler), name_(std::move(name)), random_(seed) {
  processes_.push_back(std::make_unique<Process>(100));
  main_task_.name = name_;
  main_task_.host = this;
  main_task_.process = processes_.front().get();
  main_task_.thread_id = 100;
  main_task_.state = Task::State::Running;
  const lxnet_hal table = make_hal_table(*this);
  const char* message = nullptr;
  const int result = lxnet_stack_create(&table, &config, &stack_, &message);
  require(result, name_ + ": " + (message == nullptr ? "lxnet_stack_create" : message));
}

Host::~Host() { shut_down(); }

void Host::shut_down() {
  if (stack_ == nullptr) return;
  for (auto& process : processes_) process->close_all();
  lxnet_stack_destroy(stack_);
  stack_ = nullptr;
  scheduler_.events().cancel(alarm_);
  if (live_blocks_ == 0) return;
  scheduler_.on_problem(name_ + " leaked " + std::to_string(live_bytes_) + " bytes in " + std::to_string(live_blocks_) +
                        " blocks");
}

void Host::set_up(const std::string& interface, bool is_up) {
  require(lxnet_interface_set_up(stack_, interface.c_str(), is_up), name_ + " " + interface + " up");
}

void Host::add_address(const std::string& interface, const std::string& address) {
  require(lxnet_address_add(stack_, interface.c_str(), address.c_str()), name_ + " " + interface + " " + address);
}

void Host::add_route(const std::string& destination, const std::string& gateway, const std::string& interface) {
  require(lxnet_route_add(stack_, destination.c_str(), or_null(gateway), or_null(interface)), name_ + " route " + destination);
}

void Host::set_tunable(const std::string& name, const std::string& value) {
  require(lxnet_tunable_set(stack_, name.c_str(), value.c_str()), name_ + " " + name + "=" + value);
}

std::string Host::tunable(const std::string& name) {
  char value[256] = {};
  require(lxnet_tunable_get(stack_, name.c_str(), value, sizeof value), name_ + " " + name);
  return value;
}

Process& Host::add_process() {
  processes_.push_back(std::make_unique<Process>(100 + static_cast<int32_t>(processes_.size())));
  return *processes_.back();
}

Task& Host::current_task() {
  Task* task = scheduler_.current();
  return task == nullptr ? main_task_ : *task;
}

// A task of another host that calls here acts as this host's first process.
Process& Host::current_process() {
  Task& task = current_task();
  return task.host == this ? *task.process : process();
}

int64_t Host::system_call(long number, const uint64_t arguments[6]) {
  Task& task = current_task();
  if (task.is_killed) throw TaskKilled();
  int64_t result = 0;
  if (answer_descriptor_call(number, arguments, result)) return result;
  task.call_name = call_name(number);
  result = call_with_restarts(task, number, arguments);
  task.call_name = nullptr;
  if (task.is_killed) throw TaskKilled();
  return result;
}

// As the kernel does on the way back to a program that has a handler for every signal.
int64_t Host::call_with_restarts(Task& task, long number, const uint64_t* arguments) {
  while (true) {
    const int64_t result = lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), arguments);
    const bool was_signalled = std::exchange(task.is_signal_pending, false);
    if (was_signalled) ++task.signals_handled;
    if (task.is_killed) return result;
    const bool asks_restart =
        result == kRestartSystemCall || result == kRestartNoInterrupt || result == kRestartNoHandler || result == kRestartBlock;
    if (!asks_restart) return result;
    const bool restarts =
        !was_signalled || result == kRestartNoInterrupt || (result == kRestartSystemCall && task.restart == RestartCalls::Yes);
    if (!restarts) return -static_cast<int64_t>(Errno::EINTR);
  }
}

bool Host::answer_descriptor_call(long number, const uint64_t* arguments, int64_t& result) {
  Process& process = current_process();
  const int fd = static_cast<int>(arguments[0]), second = static_cast<int>(arguments[1]);
  switch (number) {
    case SYS_close:
      result = process.close(fd);
      return true;
    case SYS_dup:
      result = process.duplicate(fd, 0, 0);
      return true;
    case SYS_dup2:
      result = process.duplicate_to(fd, second, 0);
      return true;
    case SYS_dup3:
      result = process.duplicate_to(fd, second, static_cast<uint32_t>(arguments[2]));
      return true;
    case SYS_fcntl:
      break;
    default:
      return false;
  }
  if (second != F_DUPFD && second != F_DUPFD_CLOEXEC) return false;
  result = process.duplicate(fd, static_cast<int>(arguments[2]), second == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
  return true;
}

void Host::fail_allocation(size_t n, Fail kind) {
  countdown_ = static_cast<int64_t>(n);
  fail_kind_ = kind;
  has_failed_ = false;
}

void* Host::alloc(size_t size, size_t align) {
  if (countdown_ > 0) {
    --countdown_;
  } else if (countdown_ == 0) {
    if (fail_kind_ == Fail::Once) countdown_ = -1;
    has_failed_ = true;
    return nullptr;
  }
  void* block = nullptr;
  if (posix_memalign(&block, std::max(align, sizeof(void*)), size) != 0) return nullptr;
  ++live_blocks_;
  live_bytes_ += size;
  return block;
}

void Host::free(void* block, size_t size) {
  --live_blocks_;
  live_bytes_ -= size;
  ::free(block);
}

// How many bytes at the end could not be copied.
size_t Host::copy(void* to, const void* from, uint64_t user_address, size_t size) const {
  uint64_t end = size > kUserEnd - std::min(user_address, kUserEnd) ? kUserEnd : user_address + size;
  if (user_address >= bad_from && user_address < bad_to) end = user_address;
  if (user_address < bad_from) end = std::min(end, bad_from);
  const size_t good = end <= user_address ? 0 : end - user_address;
  if (good != 0) memcpy(to, from, good);
  return size - good;
}

int Host::send_signal(const lxnet_signal& signal) {
  if (signal.signo == 0) return scheduler_.has_task(this, signal.target) ? 0 : -static_cast<int>(Errno::ESRCH);
  signals.push_back(signal);
  if (signal.target_kind == LXNET_SIGNAL_THREAD && signal.target == 0) return 0;  // ends no wait: it is for the call itself
  return scheduler_.signal_by_id(this, signal.target, signal.target_kind == LXNET_SIGNAL_THREAD)
             ? 0
             : -static_cast<int>(Errno::ESRCH);
}

}  // namespace lxnet::sim
