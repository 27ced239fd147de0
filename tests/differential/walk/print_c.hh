// A sequence as a C program that shows it on any Linux, without this folder.
#pragma once

#include <string>
#include <utility>

#include "tests/differential/walk/operation.hh"

namespace walk {

std::string c_program(const std::vector<std::pair<int, Operation>>& steps);

}  // namespace walk
