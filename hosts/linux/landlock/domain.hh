// A Landlock domain of the program's, as the supervisor has it: a thread of the supervisor's own that the kernel has put under
// the very same rulesets, one after the other. What the program may not do this thread may not do either, so nothing of
// Landlock's rules is written down here a second time: the thread tries, in a way that leads nowhere, and the kernel says.
//
// A domain never changes, so that answers are kept.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <unordered_map>

#include "hal/hal.h"

namespace lxnet::host::landlock {

class Domain {
 public:
  // The domain of the calling thread; null when that forbids the use of no port.
  static std::shared_ptr<Domain> of_this_thread();
  // The ruleset enforced upon `parent` (null: upon the calling thread's own). Null and a negative errno: the kernel refuses it,
  // and will refuse the program as well, or there is no thread to be had (-EAGAIN).
  static std::shared_ptr<Domain> create(std::shared_ptr<Domain> parent, int ruleset, uint32_t flags, int* error);
  // Forbids everything: of a ruleset that nobody may look at.
  static std::shared_ptr<Domain> create_sealed(std::shared_ptr<Domain> parent);
  ~Domain();
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  // hal.h: check_port.
  int check_port(int use, uint16_t port);
  // Whether a task in it may connect or send to an abstract AF_UNIX name of a socket made in `maker` (null: in none).
  bool may_reach(Domain* maker);
  // Whether it allows to open a file that is there.
  bool may_open(const std::string& path, int flags);
  // Runs `work` as somebody in this domain, and waits for it. -EACCES: it is sealed.
  int run(const std::function<int()>& work);

  // How many rulesets are enforced.
  int depth() const { return depth_; }

 private:
  explicit Domain(std::shared_ptr<Domain> parent);
  static void* live(void* self);
  void obey(int ruleset, uint32_t flags);
  bool start(int ruleset, uint32_t flags);
  bool is_sealed() const { return !has_thread_; }

  const std::shared_ptr<Domain> parent_;
  const int depth_;
  const uint64_t id_;
  pthread_t thread_ = {};
  bool has_thread_ = false;
  int error_ = 0;  // of the enforcing

  std::binary_semaphore has_work_{0}, is_done_{0};
  const std::function<int()>* work_ = nullptr;  // null with has_work_: to end
  int result_ = 0;

  bool confines_port_use_[2] = {true, true};  // by LXNET_PORT_BIND, LXNET_PORT_CONNECT
  std::unordered_map<uint32_t, bool> allowed_ports_;
  std::unordered_map<uint64_t, bool> reached_;  // by the maker's id
};

}  // namespace lxnet::host::landlock
