// Calls that are tried on a socket, and how their answers are written down.
#pragma once

#include <string>
#include <vector>

#include "tests/conformance/matrix/states.hh"

namespace conformance {

struct Call {
  const char* name;
  std::string (*make)(Subject& subject);
};

const std::vector<Call>& calls();

// The value or the errno's name, and the signal that came with it.
std::string told(long result);

// What the call left behind: the poll mask and the pending error.
std::string after(int fd);
// Counts SIGPIPE; the handler stays.
void watch_signals();

}  // namespace conformance
