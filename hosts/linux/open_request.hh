// An open() of a program's as far as it may be for a file of ours.
//
// A filter cannot read a path, so every open() is noticed, its path looked at, and it goes on natively unless the path is one of
// ours. That the path may change between the two looks decides nothing but which of the two files is opened.
#pragma once

#include <optional>
#include <string>

#include "hosts/linux/call.hh"

namespace lxnet::host {

struct OpenRequest {
  std::string path;
  uint64_t flags = 0;  // O_*
};

// Absent unless the path begins like one of ours: nearly every open() ends here, after one small copy.
std::optional<OpenRequest> read_open_request(const Call& call);

}  // namespace lxnet::host
