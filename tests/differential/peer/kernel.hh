// Kernel: what a script is played to. Linux, in a network namespace with a TUN device and in real time, or lxnet, on the
// simulator and in virtual time. Calls never block; packets are IP packets of the device `tun0`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hosts/call_register.hh"

namespace peer {

constexpr uint32_t kMtu = 1500;

class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  // The result, or a negative errno.
  template <typename... Arguments>
  int64_t call(long number, Arguments... arguments) {
    const uint64_t registers[6] = {lxnet::to_register(arguments)...};
    return system_call(number, registers);
  }
  virtual void set_tunable(const std::string& name, const std::string& value) = 0;
  virtual void deliver(const std::string& packet) = 0;
  // The next packet that leaves before `until`, and when it left: microseconds since the kernel was made. Without one that time
  // has come.
  virtual int64_t now() const = 0;  // on the same clock
  // The next time that is waited for comes before what timers do less than so many microseconds before it: how Linux's timers,
  // which are late, may fall. Where time is real, nothing can be done.
  virtual void come_first(int64_t) {}
  virtual bool take(int64_t until, std::string& packet, int64_t& left_at) = 0;

 protected:
  virtual int64_t system_call(long number, const uint64_t registers[6]) = 0;
};

// Null where the host does not let one make a namespace and a device.
std::unique_ptr<Kernel> make_linux();
std::unique_ptr<Kernel> make_lxnet();

}  // namespace peer
