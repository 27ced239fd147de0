#include "hosts/sim/simulation.hh"

#include <cstdio>
#include <stdexcept>

#include "hosts/sim/hal_table.hh"
#include "stack/stack.hh"

namespace lxnet::sim {
namespace {

thread_local Simulation* innermost = nullptr;

// Distinct streams from one seed.
uint64_t derive(uint64_t seed, uint64_t stream) { return SeededRandom(seed ^ stream * 0x9e3779b97f4a7c15u).next(); }

}  // namespace

Simulation::Simulation(uint64_t seed, const SimulationOptions& options)
    : seed_(seed), options_(options), outer_(std::exchange(innermost, this)) {
  if (options.shuffles) scheduler_.events().shuffle_ties(derive(seed, 1));
}

Simulation::~Simulation() {
  shut_down();
  innermost = outer_;
}

Host& Simulation::add_host(const std::string& name, const lxnet_config& config) {
  lxnet_config complete = config;
  complete.struct_size = sizeof complete;
  if (complete.hostname == nullptr) complete.hostname = name.c_str();
  Host& host = hosts_.emplace_back(scheduler_, name, derive(seed_, 1000 + hosts_.size()), complete);
  if (options_.captures) observe_drops(host);
  return host;
}

void Simulation::observe_drops(Host& host) {
  if (writer_ == nullptr) {
    capture_clock_ = std::make_unique<Hal>(Hal::create(make_hal_table(host), nullptr).take());
    const ByteSink sink = {.context = this,
                           .write =
                               [](void* context, ByteSpan bytes) {
                                 static_cast<Simulation*>(context)->capture_.append(reinterpret_cast<const char*>(bytes.data()),
                                                                                    bytes.size());
                               },
                           .has_room =
                               [](void* context) {
                                 const Simulation& self = *static_cast<Simulation*>(context);
                                 return self.capture_.size() < self.options_.capture_limit;
                               }};
    writer_ = std::make_unique<PcapngWriter>(*capture_clock_, sink);
  }
  drop_observers_.push_back({*this, host});
  host.stack().drops().observe(
      [](void* context, const Packet& packet, DropReason reason) {
        const DropObserver& observer = *static_cast<DropObserver*>(context);
        observer.simulation.writer_->write_drop(packet, (observer.host.name() + ": " + drop_reason_name(reason)).c_str());
      },
      &drop_observers_.back());
}

Link& Simulation::link(Host& a, Host& b, const LinkOptions& options) {
  const uint32_t number = static_cast<uint32_t>(links_.size());
  return links_.emplace_back(a, b, options, writer_.get(), number, derive(seed_, 1'000'000 + number));
}

Link& Simulation::connect(Host& a, const std::string& address_of_a, Host& b, const std::string& address_of_b,
                          const LinkOptions& options) {
  Link& made = link(a, b, options);
  a.set_up(made.name_at(a));
  b.set_up(made.name_at(b));
  a.add_address(made.name_at(a), address_of_a);
  b.add_address(made.name_at(b), address_of_b);
  return made;
}

Task& Simulation::spawn(Host& host, std::string name, std::function<void()> body) {
  return spawn(host, host.process(), std::move(name), std::move(body));
}

Task& Simulation::spawn(Host& host, Process& process, std::string name, std::function<void()> body) {
  return scheduler_.spawn(host.name() + "/" + name, &host, &process, std::move(body));
}

void Simulation::sleep(Duration duration) {
  Task* task = scheduler_.current();
  if (task == nullptr) return run_for(duration);
  const Instant end = now() + duration;
  while (now() < end) {
    if (task->is_killed) throw TaskKilled();
    scheduler_.park(*task, end.in_nanos(), false);
  }
}

bool Simulation::write_capture(const std::string& path) const {
  FILE* file = fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool is_whole = fwrite(capture_.data(), 1, capture_.size(), file) == capture_.size();
  return fclose(file) == 0 && is_whole;
}

// Sockets refer to interfaces and interfaces to devices: so tasks, descriptors, interfaces, stacks, and the devices last.
void Simulation::shut_down() {
  scheduler_.kill_all();
  for (Link& link : links_) link.remove();
  for (Host& host : hosts_) host.shut_down();
  links_.clear();
  hosts_.clear();
}

Host& current_host() {
  if (innermost == nullptr) throw std::logic_error("no simulation");
  Task* task = innermost->scheduler().current();
  if (task == nullptr || task->host == nullptr) throw std::logic_error("not on a task: say host.call()");
  return *task->host;
}

}  // namespace lxnet::sim
