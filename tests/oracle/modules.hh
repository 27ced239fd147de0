// A kernel's modules for a guest, which loads them by name as the kernel asks for them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ltp_runner/guest_archive.hh"

namespace lxnet::oracle {

// The modules below `folders` of `directory` (/lib/modules/VERSION) and what they depend on, with the lists that modprobe reads.
absl::Status add_modules(ltp::GuestArchive& archive, const std::string& directory, const std::vector<std::string>& folders);

}  // namespace lxnet::oracle
