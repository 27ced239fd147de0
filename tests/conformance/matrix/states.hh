// A socket of each kind in each state it can be in. Every one is made anew for
// every call that is tried on it.
#pragma once

#include <string>
#include <vector>

#include "tests/conformance/any_name.hh"
#include "tests/conformance/sockets/posix.hh"

namespace conformance {

// The socket under test, and what must stay open for its state to last.
struct Subject {
  Fd socket = Fd();
  std::vector<Fd> others = {};
  int family = AF_INET;
  int type = SOCK_STREAM;
  int own_bytes = 0;  // at the front of what is received: headers that are no two runs' same
};

struct State {
  std::string name;
  Subject (*make)(int family);
  int family;
};

// Sorted into groups, so that each group is a test of its own: "udp", "tcp",
// "raw", "ping", "unix".
std::vector<State> states_of(const std::string& group);

}  // namespace conformance
