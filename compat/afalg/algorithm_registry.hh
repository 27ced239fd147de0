// AlgorithmRegistry: the algorithms of a stack: rows that were added, and instances of templates made when they are first asked
// for.
#pragma once

#include "base/list.hh"
#include "compat/afalg/algorithm.hh"
#include "hal/memory.hh"
#include "hal/mutex.hh"

namespace lxnet {

class Stack;

enum class SelfTest : uint8_t { Untried, Passed, Failed, NoAnswerKnown };

class AlgorithmRegistry {
 public:
  // One implementation in the list.
  struct Entry {
    ListLink link;
    const Algorithm* row = nullptr;
    SelfTest self_test = SelfTest::Untried;
  };

  explicit AlgorithmRegistry(const Hal& hal);
  ~AlgorithmRegistry();
  // Null where lxnet_enable_afalg() was not called.
  static AlgorithmRegistry* find(Stack& stack);

  // Rows that outlive the registry. ENOMEM, EEXIST for a driver name that is taken, EINVAL for one past the bounds.
  Result<> add(std::span<const Algorithm* const> rows);

 private:
  const Hal& hal_;
};

}  // namespace lxnet
