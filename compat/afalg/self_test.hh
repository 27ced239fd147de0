// Asks an implementation what is known (known_answers.hh).
#pragma once

#include "compat/afalg/algorithm_registry.hh"

namespace lxnet {

// ENOMEM when it could not be asked.
Result<SelfTest> run_self_test(const Hal& hal, const Algorithm& row);

}  // namespace lxnet
