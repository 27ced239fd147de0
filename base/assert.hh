// ASSERT: our own mistakes, and nothing else.
//
// Rule kept: input from the wire or from a user is never asserted. A failed assertion traps with the sentence and the
// place in its arguments, where a debugger or a crash dump shows them; it needs no host function, so it works in every
// context, before a Stack exists and under any lock.
#pragma once

namespace lxnet {

[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace lxnet

#define ASSERT(expression)                                        \
  do {                                                            \
    if (!(expression)) [[unlikely]]                               \
      ::lxnet::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)

// Checks too dear for a release build: walks of whole structures, lock ranks.
#if defined(LXNET_DEBUG)
#define DEBUG_ASSERT(expression) ASSERT(expression)
#else
#define DEBUG_ASSERT(expression) static_cast<void>(sizeof(!(expression)))
#endif
