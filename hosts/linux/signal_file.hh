// signalfd: the kernel polls one for the thread that asks, and so tells us of our own signals. What a thread of the program would
// hear is found from the descriptor's mask and from the signals that wait for that thread.
#pragma once

#include <cstdint>
#include <optional>

namespace lxnet::host {

// Which signals (bit n-1 is signal n) a descriptor of ours reports; absent for another kind of file.
std::optional<uint64_t> signals_of_signalfd(int fd);

// Whether an epoll set of ours still has anything to watch: the file may be closed by all others.
bool is_watching_anything(int epoll_fd);

}  // namespace lxnet::host
