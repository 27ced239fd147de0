// The one function that compilers call by themselves and that no header declares: a pure virtual call. A host's own wins.
#include "base/assert.hh"

extern "C" [[noreturn, gnu::weak]] void __cxa_pure_virtual();

void __cxa_pure_virtual() { lxnet::assertion_failed("a pure virtual function was called", __FILE__, __LINE__); }
