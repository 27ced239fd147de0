#include "tests/hosts/linux/nftables/scripts.hh"

namespace lxnet::test {

// clang-format off: it takes scripts for code
const char kMonitorScript[] = R"sh(
nft monitor > heard & M=$!
until test -s heard; do nft add table ip early; nft delete table ip early; sleep 0.1; done
nft add table ip ready
nft add table ip t; nft add chain ip t c '{ type filter hook input priority 0; }'; nft add rule ip t c tcp dport 22 counter accept
nft add rule ip t c tcp dport '{ 1, 2 }' drop
nft add set ip t s '{ type ipv4_addr; }'; nft add element ip t s '{ 1.1.1.1, 2.2.2.2 }'; nft delete element ip t s '{ 1.1.1.1 }'
nft insert rule ip t c ip saddr @s drop; (nft -e -a add rule ip t c udp dport 1 accept; nft -e add element ip t s '{ 9.9.9.9 }') | sed 's/generation.*//'
nft -a list table ip t | sed "1s/handle .*//" # the tables before it were as many as it took nft to listen
nft delete rule ip t c handle 3
nft add counter ip t k; nft add map ip t m '{ type inet_service : verdict; }'; nft add element ip t m '{ 1 : accept }'
nft reset counter ip t k; nft reset rules 2>&1 | head -1
nft add chain ip t c '{ policy drop; }'
nft delete table ip t
until grep -q 'delete table ip t$' heard; do sleep 0.1; done
sleep 0.2; kill $M; wait $M 2>/dev/null
sed "1,/table ip ready/d; s/generation.*//" heard
nft -f - <<R
table ip a { chain x { drop; }
R
nft -f - <<R
add table ip a
add chain ip a x
add rule ip a nosuch drop
add rule ip a x jump nosuch2
add element ip a s { 1 }
R
nft list ruleset
nft 'add table ip a; add chain ip a x; add rule ip a x counter; delete table ip a; add table ip a'; nft list ruleset
)sh";

}  // namespace lxnet::test
