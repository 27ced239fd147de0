#include "hosts/packetdrill/machine.hh"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/hosted_errno.hh"

namespace lxnet::packetdrill {
namespace {

constexpr int64_t kWallAtStart = 1'700'000'000'000'000;  // microseconds: the simulator's, at the virtual clock's zero
constexpr Duration kStart = Duration::seconds(1000);     // a machine that has been up for a while
constexpr Duration kPatience = Duration::seconds(86'400);

// What this thread may do now: a script drops capabilities with cap_set(). A packetdrill that started without any plays root.
uint64_t capabilities() {
  static const auto effective = []() -> uint64_t {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return data[0].effective | uint64_t{data[1].effective} << 32;
  };
  static const bool starts_without = effective() == 0;
  return starts_without ? ~uint64_t{0} : effective();
}

lxnet_config configuration() {
  lxnet_config config{};
  config.struct_size = sizeof config;
  config.hostname = "packetdrill";
  return config;
}

}  // namespace

Machine::Machine(const Settings& settings)
    : stand_in_(settings),
      host_(scheduler_, "packetdrill", settings.seed, configuration()),
      follows_host_(settings.follows_host),
      tunables_(host_.c_stack()) {
  scheduler_.on_problem = [](const std::string& problem) { fprintf(stderr, "lxnet: %s\n", problem.c_str()); };
  scheduler_.run_until(Instant::from_nanos(0) + kStart);
  if (lxnet_enable_epoll(host_.c_stack()) != 0) throw std::runtime_error("no epoll");
  if (lxnet_enable_afnetlink(host_.c_stack(), nullptr) != 0) throw std::runtime_error("no netlink");
  lxnet_credentials& user = host_.process().credentials;
  user.uid = user.euid = user.gid = user.egid = 0;
  user.pid = user.tgid = getpid();
  add_device(settings);
  if (follows_host_) HostTunables::stand_in_for_congestion_control();
  network_.emplace(host_, settings.mtu);
  for (const auto& [name, value] : settings.tunables) host_.set_tunable(name, value);
}

Machine::~Machine() {
  Lock lock(mutex_);
  scheduler_.on_problem = [](const std::string&) {};
  scheduler_.kill_all();
  lxnet_netdev_unregister(device_);
  host_.shut_down();
}

void Machine::add_device(const Settings& settings) {
  lxnet_netdev_ops ops{};
  ops.struct_size = sizeof ops;
  ops.link_kind = LXNET_LINK_IP;
  ops.mtu = settings.mtu;
  ops.offloads = settings.segments_tcp ? LXNET_OFFLOAD_TSO | LXNET_OFFLOAD_TX_CHECKSUM : 0;
  ops.ctx = this;
  ops.transmit = &Machine::transmit;
  if (lxnet_netdev_register(host_.c_stack(), "tun0", &ops, &device_) != 0) throw std::runtime_error("no device");
  host_.set_up("tun0");
  // The address that packetdrill chose is seen when the script binds to it or a packet comes for it; until then any will do.
  for (const std::string& address : settings.addresses) host_.add_address("tun0", address);
  host_.add_route("default", "", "tun0");
  host_.add_route("::/0", "", "tun0");
}

// ---- addresses

void Machine::adopt(const sockaddr* name, socklen_t size) {
  Lock lock(mutex_);
  if (name == nullptr) return;
  if (name->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    adopt_ipv4(reinterpret_cast<const uint8_t*>(&reinterpret_cast<const sockaddr_in*>(name)->sin_addr));
  } else if (name->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(name)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) return adopt_ipv4(address.s6_addr + 12);
    adopt_ipv6(address.s6_addr);
  }
}

void Machine::adopt_ipv4(const uint8_t* address) {
  const bool is_unicast = address[0] != 0 && address[0] != 127 && address[0] < 224;
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, address, text, sizeof text);
  if (!is_unicast || !addresses_.insert(text).second) return;
  static_cast<void>(lxnet_address_add(host_.c_stack(), "tun0", (std::string(text) + "/16").c_str()));
}

void Machine::adopt_ipv6(const uint8_t* address) {
  in6_addr copy;
  memcpy(&copy, address, sizeof copy);
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &copy, text, sizeof text);
  if (IN6_IS_ADDR_UNSPECIFIED(&copy) || IN6_IS_ADDR_LOOPBACK(&copy) || IN6_IS_ADDR_MULTICAST(&copy)) return;
  if (!addresses_.insert(text).second) return;
  static_cast<void>(lxnet_address_add(host_.c_stack(), "tun0", (std::string(text) + "/48").c_str()));
}

// ---- packets

int Machine::transmit(void* context, const lxnet_iovec* pieces, uint32_t count) {
  Machine& self = *static_cast<Machine*>(context);
  Sent& sent = self.sent_.emplace_back(Sent{.bytes = {}, .micros = self.micros_now()});
  for (uint32_t i = 0; i < count; ++i) sent.bytes.append(static_cast<const char*>(pieces[i].base), pieces[i].size);
  return 0;
}

void Machine::receive(const void* packet, size_t size) {
  Lock lock(mutex_);
  enter(lock);
  const uint8_t* bytes = static_cast<const uint8_t*>(packet);
  if (size >= 20 && bytes[0] >> 4 == 4) adopt_ipv4(bytes + 16);
  if (size >= 40 && bytes[0] >> 4 == 6) adopt_ipv6(bytes + 24);
  lxnet_netdev_receive(device_, packet, size);
  run_to(lock, scheduler_.now());
}

size_t Machine::take_packet(void* packet, size_t room, int64_t& micros) {
  Lock lock(mutex_);
  enter(lock);
  const Instant end = scheduler_.now() + kPatience;
  while (sent_.empty()) {
    const Instant next = scheduler_.events().next_time();
    if (next > end) return 0;
    run_to(lock, next);
  }
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  const size_t size = std::min(room, sent.bytes.size());
  memcpy(packet, sent.bytes.data(), size);
  micros = sent.micros;
  return size;
}

// ---- time

int64_t Machine::micros_now() const { return kWallAtStart + scheduler_.now().in_nanos() / 1000; }

void Machine::sleep(int64_t micros) {
  Lock lock(mutex_);
  enter(lock);
  const Instant end = scheduler_.now() + Duration::micros(micros);
  while (scheduler_.now() < end) run_to(lock, std::min(end, std::max(scheduler_.now(), scheduler_.events().next_time())));
}

int64_t Machine::clock_micros() {
  Lock lock(mutex_);
  if (std::this_thread::get_id() != main_thread_) {
    unreported_.erase(std::this_thread::get_id());
    changed_.notify_all();
    return micros_now();
  }
  enter(lock);
  run_to(lock, scheduler_.now() + Duration::micros(1));
  return micros_now();
}

void Machine::enter(Lock& lock) {
  settle(lock);
  host_.process().capabilities = capabilities();
  if (follows_host_) follow_commands();
}

// Only commands change what the host is, and every child leaves its page faults behind when it has been waited for.
void Machine::follow_commands() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const bool is_news = std::exchange(child_faults_, usage.ru_minflt) != usage.ru_minflt;
  if (!std::exchange(is_first_look_, false) && !is_news) return;
  tunables_.follow();
  network_->follow();
}

// Until every thread whose call has returned has said when.
void Machine::settle(Lock& lock) {
  if (std::this_thread::get_id() != main_thread_) return;
  // Not for ever: a thread may be ending.
  changed_.wait_for(lock, std::chrono::seconds(1), [this] { return unreported_.empty(); });
  unreported_.clear();
}

// All that happens until then; stops the clock for every call that returns meanwhile.
void Machine::run_to(Lock& lock, Instant when) {
  for (Instant next = scheduler_.events().next_time(); next <= when; next = scheduler_.events().next_time()) {
    scheduler_.run_until(next);
    changed_.notify_all();
    settle(lock);
  }
  scheduler_.run_until(when);
}

// ---- calls

int64_t Machine::system_call(long number, const uint64_t* registers) {
  Lock lock(mutex_);
  enter(lock);
  return run_call(lock, number, registers);
}

int64_t Machine::opening_call(long number, const uint64_t* registers) {
  Lock lock(mutex_);
  enter(lock);
  const int placeholder = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (placeholder < 0) return -errno;
  host_.process().lowest_number = placeholder;
  const int64_t result = run_call(lock, number, registers);
  if (result != placeholder) ::close(placeholder);
  return result;
}

bool Machine::is_own(int fd) {
  Lock lock(mutex_);
  int error = 0;
  lxnet_file* file = host_.process().find(fd, &error);
  if (file != nullptr) lxnet_file_unref(file);
  return file != nullptr;
}

int64_t Machine::close(int fd) {
  const int64_t result = call(SYS_close, fd);
  if (result == 0) ::close(fd);
  return result;
}

int64_t Machine::run_call(Lock& lock, long number, const uint64_t* registers) {
  bool has_ended = false;
  int64_t result = 0;
  const bool is_main = std::this_thread::get_id() == main_thread_;
  const auto caller = std::this_thread::get_id();
  scheduler_.spawn("call", &host_, &host_.process(), [&, number] {
    result = host_.system_call(number, registers);
    has_ended = true;
    // Before time goes on: who waits for the call is another thread.
    if (!is_main) unreported_.insert(caller);
  });
  scheduler_.run_until(scheduler_.now());
  if (!is_main) {
    changed_.wait(lock, [&] { return has_ended; });
    return result;
  }
  // packetdrill's main thread itself waits: time goes on until its call returns.
  while (!has_ended) {
    const Instant next = scheduler_.events().next_time();
    if (next.is_never()) {
      fprintf(stderr, "lxnet: a call of the script's would block for ever\n");
      exit(1);
    }
    run_to(lock, next);
  }
  return result;
}

}  // namespace lxnet::packetdrill
