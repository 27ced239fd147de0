// Redirection of the few C library functions that packetdrill calls on a script's descriptor without asking the library:
// getsockopt() for code blocks, sendfile(). The program's own import table is changed; nothing else in the process sees it.
#pragma once

namespace lxnet::packetdrill {

// Makes the main program's calls of `name` reach `replacement`. False when it imports no such function.
bool redirect_import(const char* name, void* replacement);

}  // namespace lxnet::packetdrill
