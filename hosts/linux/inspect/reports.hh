// What `lxnet ps` and `lxnet ss` show of a supervisor's network.
#pragma once

#include <string>

#include "hosts/linux/inspect/text_table.hh"

namespace lxnet::host {

class Supervisor;

// Processes: their threads that called, their sockets, their calls.
TextTable process_report(Supervisor& supervisor);
// Internet sockets of the network's stack and who has them open.
TextTable socket_report(Supervisor& supervisor);

}  // namespace lxnet::host
