// Host: one simulated machine: a stack, its processes, and what stands in for a kernel around it.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "hal/hal.h"
#include "hal/lxnet.h"
#include "hosts/call_register.hh"
#include "hosts/sim/process.hh"
#include "hosts/sim/scheduler.hh"

namespace lxnet {
class Stack;
}

namespace lxnet::sim {

class Host {
 public:
  Host(Scheduler& scheduler, std::string name, uint64_t seed, const lxnet_config& config);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::string& name() const { return name_; }
  lxnet_stack* c_stack() const { return stack_; }
  Stack& stack() const { return *reinterpret_cast<Stack*>(stack_); }
  Scheduler& scheduler() const { return scheduler_; }

  // ---- configuration, as lxnet.h has it; what is refused throws std::runtime_error
  void set_up(const std::string& interface, bool is_up = true);
  void add_address(const std::string& interface, const std::string& address_with_prefix);
  // Either of gateway and interface may be empty.
  void add_route(const std::string& destination, const std::string& gateway, const std::string& interface = "");
  void set_tunable(const std::string& name, const std::string& value);
  std::string tunable(const std::string& name);

  // ---- calls: by the running task, or by the test itself, which then runs the simulation while it waits
  // The result, or a negative errno. x86-64 numbers; close, dup and fcntl's descriptor commands are answered here.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return system_call(number, registers);
  }
  int64_t system_call(long number, const uint64_t arguments[6]);

  // "eth0", "eth1"...: of a link that is being made.
  std::string take_interface_name() { return "eth" + std::to_string(interface_count_++); }

  Process& process() { return *processes_.front(); }
  Process& add_process();
  Task& main_task() { return main_task_; }
  // Unlinks an AF_UNIX name.
  void unlink(const std::string& path) { socket_nodes_.erase(path); }

  // ---- what may go wrong
  // User memory is this process's; addresses in [bad_from, bad_to), and those only a kernel has, fault.
  uint64_t bad_from = 0, bad_to = 4096;
  // The n-th allocation from now fails, and with All every one after it.
  enum class Fail { Once, All };
  void fail_allocation(size_t n, Fail kind = Fail::Once);
  void allow_all_allocations() { countdown_ = -1; }
  bool has_failed() const { return has_failed_; }

  size_t live_blocks() const { return live_blocks_; }
  size_t live_bytes() const { return live_bytes_; }
  std::vector<lxnet_signal> signals;  // what was sent, in order
  std::vector<std::string> log;

  // Aborts what is open and destroys the stack; a problem if memory is left.
  void shut_down();

 private:
  friend struct HalTable;
  Task& current_task();
  Process& current_process();
  bool answer_descriptor_call(long number, const uint64_t* arguments, int64_t& result);
  int64_t call_with_restarts(Task& task, long number, const uint64_t* arguments);
  void* alloc(size_t size, size_t align);
  void free(void* block, size_t size);
  size_t copy(void* to, const void* from, uint64_t user_address, size_t size) const;
  int send_signal(const lxnet_signal& signal);

  Scheduler& scheduler_;
  const std::string name_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Process>> processes_;
  Task main_task_;
  lxnet_stack* stack_ = nullptr;
  EventQueue::Id alarm_;
  void* event_lock_slot_ = nullptr;
  size_t live_blocks_ = 0, live_bytes_ = 0;
  int64_t countdown_ = -1;
  Fail fail_kind_ = Fail::Once;
  bool has_failed_ = false;
  std::map<std::string, uint64_t> socket_nodes_;
  uint64_t last_node_ = 0;
  uint32_t interface_count_ = 0;
};

}  // namespace lxnet::sim
