// Simulation: hosts, the links between them, and the code that runs on them, on a virtual clock.
//
//     Simulation simulation(seed);
//     Host& a = simulation.add_host("a");
//     Host& b = simulation.add_host("b");
//     simulation.connect(a, "10.0.0.1/24", b, "10.0.0.2/24", {.impair = "delay=20ms loss=1%"});
//     simulation.spawn(a, "client", [&] { ...blocking calls: sys::connect(...)... });
//     simulation.run();
//
// One thread and one seed: the same seed gives the same packets, the same times and the same capture. Time passes only when
// everybody waits, and then at once.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "hosts/sim/host.hh"
#include "hosts/sim/link.hh"

namespace lxnet::sim {

struct SimulationOptions {
  bool captures = true;
  size_t capture_limit = 32u << 20;                  // bytes; what comes later is left out
  bool shuffles = false;                             // events of one instant in an order drawn from the seed
  Duration time_limit = Duration::minutes(24 * 60);  // run() gives up here
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed = 1, const SimulationOptions& options = {});
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  uint64_t seed() const { return seed_; }
  Instant now() const { return scheduler_.now(); }
  Scheduler& scheduler() { return scheduler_; }

  Host& add_host(const std::string& name, const lxnet_config& config = {});
  // A link with an interface at each end, down and without addresses.
  Link& link(Host& a, Host& b, const LinkOptions& options = {});
  // The same, up and with an address at each end.
  Link& connect(Host& a, const std::string& address_of_a, Host& b, const std::string& address_of_b,
                const LinkOptions& options = {});

  Task& spawn(Host& host, std::string name, std::function<void()> body);
  Task& spawn(Host& host, Process& process, std::string name, std::function<void()> body);
  // A signal with a handler.
  void signal(Task& task, RestartCalls restart = RestartCalls::No) { scheduler_.signal(task, restart); }
  void at(Duration from_now, std::function<void()> action) { scheduler_.events().schedule(now() + from_now, std::move(action)); }
  // On a task: others run and time passes. On the test's own stack the same.
  void sleep(Duration duration);

  // Until every task has ended.
  void run() { scheduler_.run(now() + options_.time_limit); }
  void run_for(Duration duration) { scheduler_.run_until(now() + duration); }

  void on_problem(Scheduler::Problem problem) { scheduler_.on_problem = std::move(problem); }
  // pcapng, of everything so far.
  const std::string& capture() const { return capture_; }
  bool write_capture(const std::string& path) const;

  // Kills the tasks and takes everything down; the destructor does if the test did not. Problems are reported from here.
  void shut_down();

 private:
  void observe_drops(Host& host);
  Task& running_task(Host& host);

  const uint64_t seed_;
  const SimulationOptions options_;
  Scheduler scheduler_;
  std::string capture_;
  std::unique_ptr<PcapngWriter> writer_;
  std::unique_ptr<Hal> capture_clock_;
  std::deque<Host> hosts_;
  std::deque<Link> links_;
  struct DropObserver {
    Simulation& simulation;
    Host& host;
  };
  std::deque<DropObserver> drop_observers_;
  Simulation* outer_ = nullptr;
};

// On a task or in a test with one simulation: its host.
Host& current_host();

}  // namespace lxnet::sim
