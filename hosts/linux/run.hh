// `lxnet run`: a guardian, a supervisor, a program.
//
// The guardian is the process the user sees. It does nothing but wait, pass signals on, and kill what is left if the supervisor
// should die; if the guardian dies, the supervisor notices and does the same. The supervisor is the program's parent, because it
// must be allowed to look into it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hosts/linux/filter.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

struct RunOptions {
  int log_level = 0;           // LXNET_LOG_*
  bool waits_for_all = false;  // the network lives until the last process has ended, not only the first
  bool prints_statistics = false;
  bool serves_unix = false;  // AF_UNIX too: the programs then reach no socket of the host's by its path
  std::vector<std::pair<std::string, std::string>> tunables = {};
  ProcView proc = ProcView::OfLxnet;
  std::vector<std::string> host_calls = {};     // as FilterOptions has them
  bool refuses_rings = false;                   // the same
  bool follows_landlock = false;                // the same
  std::string impairment = {};                  // of `lo`, as NetworkLink::impair() takes it
  std::shared_ptr<OwnedFd> capture = nullptr;   // an open file
  std::shared_ptr<OwnedFd> call_log = nullptr;  // the same, for the calls
};

// Runs `body` supervised and returns its status as a shell shows it.
int run_supervised(const RunOptions& options, const std::function<int()>& body);

}  // namespace lxnet::host
