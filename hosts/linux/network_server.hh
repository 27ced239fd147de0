// The server of a named network: one supervisor for the programs of several `lxnet run --net NAME`. It ends with the last of
// them.
#pragma once

#include <string>

#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

// Messages to it: "run COMMAND" with a filter's listener, "sysctl NAME VALUE", "impair TEXT", "pcap" with an open file, "show",
// "ps", "ss" and "stop". The answer is text, "ok" when there is nothing to say; of "ps" and "ss" (and "ps json", "ss json") it is
// an open file. A connection that has brought a program stays open until the program's end.
[[noreturn]] void serve_network(const std::string& name, OwnedFd listening, int log_level, bool serves_unix);

}  // namespace lxnet::host
