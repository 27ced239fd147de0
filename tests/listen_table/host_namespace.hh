// A network namespace of the host kernel for a test to ask: `lo` up, and a second interface where the host can make one.
#pragma once

#include <string>

namespace lxnet::testing {

class HostNamespace {
 public:
  // Moves this process into a fresh namespace. False: the kernel refused, and why() says what.
  bool enter();
  const std::string& why() const { return why_; }
  // The second interface, or empty.
  const std::string& second_interface() const { return second_; }
  // Whether sockets of other users can be made.
  bool can_change_user() const { return can_change_user_; }

 private:
  bool bring_up(const char* name);
  void make_second_interface();

  std::string why_, second_;
  bool can_change_user_ = false;
  int tun_ = -1;
};

}  // namespace lxnet::testing
