// The seccomp filter of a supervised program: a notice for every row of the call table, ENOSYS for the refused and for x32.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace lxnet::host {

// Whose /proc/net and /proc/sys/net a program sees. OfTheHost: open() is not noticed.
enum class ProcView : uint8_t { OfLxnet, OfTheHost };

absl::StatusOr<std::vector<sock_filter>> build_filter(ProcView proc);

// In the program's process, before exec: installs the filter; returns its listener or a negative errno.
int install_filter(const std::vector<sock_filter>& filter);

}  // namespace lxnet::host
