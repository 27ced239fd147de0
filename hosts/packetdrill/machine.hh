// Machine: the host that packetdrill's script runs on: one stack on the virtual clock, and a device whose other end is the
// script.
//
// Rules kept:
// - Time moves only while packetdrill's main thread asks for it: it sleeps, waits for a packet, or looks at the clock (which
// costs
//   a microsecond, because packetdrill spins on it before an event).
// - A blocking call of the script runs on a thread of packetdrill's. When it returns, time stands still until that thread has
// read
//   the clock: that is the time at which packetdrill says the call returned.
// - A descriptor of lxnet's is also one of this process's (of /dev/null), so that its number is never that of a file or pipe.
#pragma once

#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "hosts/packetdrill/host_network.hh"
#include "hosts/packetdrill/host_tunables.hh"
#include "hosts/packetdrill/settings.hh"
#include "hosts/packetdrill/stand_in_device.hh"
#include "hosts/sim/host.hh"

namespace lxnet::packetdrill {

class Machine {
 public:
  explicit Machine(const Settings& settings);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // A system call of lxnet's: the result, or a negative errno. Blocks the calling thread, in virtual time.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return system_call(number, registers);
  }
  // The same for a call whose result is a new descriptor.
  template <typename... Arguments>
  int64_t open_call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {to_register(arguments)...};
    return opening_call(number, registers);
  }
  bool is_own(int fd);
  int64_t close(int fd);

  // A name that the script gives to a socket of its own: becomes an address of the device.
  void adopt(const sockaddr* name, socklen_t size);

  void receive(const void* packet, size_t size);
  // Waits for the next packet that leaves. Its size, cut to the room; 0 when none will ever come.
  size_t take_packet(void* packet, size_t room, int64_t& micros);
  void sleep(int64_t micros);
  int64_t clock_micros();

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Sent {
    std::string bytes;
    int64_t micros;
  };
  int64_t system_call(long number, const uint64_t* registers);
  int64_t opening_call(long number, const uint64_t* registers);
  int64_t run_call(Lock& lock, long number, const uint64_t* registers);
  void enter(Lock& lock);
  void follow_commands();
  void run_to(Lock& lock, Instant when);
  void settle(Lock& lock);
  void add_device(const Settings& settings);
  void adopt_ipv4(const uint8_t* address);
  void adopt_ipv6(const uint8_t* address);
  static int transmit(void* context, const lxnet_iovec* pieces, uint32_t count);
  int64_t micros_now() const;

  StandInDevice stand_in_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::thread::id main_thread_ = std::this_thread::get_id();
  std::set<std::thread::id> unreported_;  // whose call has returned, and who have not read the clock
  sim::Scheduler scheduler_;
  sim::Host host_;
  const bool follows_host_;
  bool is_first_look_ = true;
  long child_faults_ = 0;
  HostTunables tunables_;
  std::optional<HostNetwork> network_;  // once there is a device
  lxnet_netdev* device_ = nullptr;
  std::deque<Sent> sent_;
  std::set<std::string> addresses_;
};

}  // namespace lxnet::packetdrill
