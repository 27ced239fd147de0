// What a failed ASSERT does: keep its arguments alive in registers, then trap.
#include "base/assert.hh"

namespace lxnet {

void assertion_failed(const char* expression, const char* file, int line) {
  asm volatile("" : : "r"(expression), "r"(file), "r"(line) : "memory");
  __builtin_trap();
}

}  // namespace lxnet
