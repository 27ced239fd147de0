// The seccomp filter of a supervised program: a notice for every row of the call table, ENOSYS for the refused and for x32.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lxnet::host {

// Whose /proc/net and /proc/sys/net a program sees. OfTheHost: open() is not noticed.
enum class ProcView : uint8_t { OfLxnet, OfTheHost };

struct FilterOptions {
  ProcView proc = ProcView::OfLxnet;
  // What is left to the host kernel, whole: names of kRefusable.
  std::vector<std::string> host_calls = {};
  bool refuses_rings = false;     // io_uring: ENOSYS
  bool follows_landlock = false;  // otherwise it is off, as by a kernel's boot option: EOPNOTSUPP
};

// What a program may be given by --host-calls; a name stands for all calls that begin with it.
inline constexpr std::string_view kRefusable[] = {"io_uring", "userfaultfd"};

absl::StatusOr<std::vector<sock_filter>> build_filter(const FilterOptions& options);

// In the program's process, before exec: installs the filter; returns its listener or a negative errno.
int install_filter(const std::vector<sock_filter>& filter);

}  // namespace lxnet::host
