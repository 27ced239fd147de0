// Scripts whose whole output is the same on Linux and on lxnet.
#pragma once

namespace lxnet::test {

extern const char kRulesScript[];        // nft: a large ruleset, listed in every form, and changes that fail
extern const char kConnectionsScript[];  // nft and iptables-nft: connections and NAT
extern const char kIptablesScript[];     // iptables-nft and ip6tables-nft
extern const char kMonitorScript[];      // nft monitor, echoes, and batches that fail

}  // namespace lxnet::test
