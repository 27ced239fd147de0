// Namespaces for one test, so that it changes nothing of the machine's and finds no network but `lo`. Needs root.
#pragma once

namespace lxnet::ltp {

// Forks: the caller goes on as the first process of a process namespace, whose end ends everything in it; the original waits for
// it and dies with it, with its status. 0 or an errno.
int enter_private_world();

}  // namespace lxnet::ltp
