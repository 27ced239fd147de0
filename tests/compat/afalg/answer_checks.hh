// What sockets of one implementation give for a known answer, cut at every place where a message may be cut.
#pragma once

#include "compat/afalg/known_answers.hh"
#include "tests/compat/afalg/alg_machine.hh"

namespace lxnet::testing {

// Hash, Skcipher and Aead; nothing for the other kinds. All sockets are closed afterwards.
void check_through_sockets(AlgMachine& machine, const Algorithm& row, const KnownAnswer& answer);

// Every implementation that answers to a name, the best first; its templates are instantiated. None: nobody serves it.
std::vector<const Algorithm*> implementations_of(AlgMachine& machine, const std::string& name);

void close_all(AlgMachine& machine);

}  // namespace lxnet::testing
