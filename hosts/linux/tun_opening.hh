// /dev/net/tun as programs open it: a file of lxnet's, also where the machine has no such node.
#pragma once

#include "hosts/linux/open_request.hh"

namespace lxnet::host {

struct ProcessStatus;

struct TunOpening {
  bool is_ours = false;
  int64_t error = 0;
};
// Whether it is about that file, and whether the caller may open it: a node that is there is asked.
TunOpening check_tun_opening(const OpenRequest& request, const Call& call);

}  // namespace lxnet::host
