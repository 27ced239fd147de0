// Where liblwip-dev is not installed.
#include "bench/lwip/lwip_pair.hh"

namespace lxnet::bench {

bool LwipPair::is_available() { return false; }
std::unique_ptr<LwipPair> LwipPair::create() { return nullptr; }

}  // namespace lxnet::bench
