#include "tests/hosts/linux/nftables/scripts.hh"

namespace lxnet::test {

// clang-format off: it takes scripts for code
const char kIptablesScript[] = R"sh(
I=iptables-nft
$I -A INPUT -p tcp --dport 22 -j ACCEPT; echo $?
$I -A INPUT -s 10.0.0.0/8 -i eth0 -j DROP
$I -A INPUT -p udp -m multiport --dports 53,67 -j REJECT --reject-with icmp-port-unreachable
$I -N mychain
$I -A mychain -m comment --comment "hello world" -j RETURN
$I -A INPUT -p icmp --icmp-type echo-request -m limit --limit 5/min --limit-burst 7 -j mychain
$I -A OUTPUT -p tcp --tcp-flags SYN,ACK SYN -j REJECT --reject-with tcp-reset
$I -t mangle -A PREROUTING -p tcp -j MARK --set-mark 7
$I -t mangle -A OUTPUT -m mark --mark 7 -j TOS --set-tos 0x10
$I -t mangle -A OUTPUT -m dscp --dscp 4 -j DSCP --set-dscp 8
$I -t mangle -A OUTPUT -m ttl --ttl-lt 4 -j TTL --ttl-set 64
$I -A INPUT -m iprange --src-range 1.1.1.1-1.1.1.9 -j DROP
$I -A INPUT -m length --length 100:200 -j DROP
$I -A INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP
$I -A INPUT -m addrtype --dst-type LOCAL -j ACCEPT
$I -A INPUT -m pkttype --pkt-type broadcast -j DROP
$I -P FORWARD DROP
$I -L -n; $I -L -v -n | head -20; $I -S; $I -t mangle -S
iptables-nft-save | grep -v '^#'
iptables-nft-save | iptables-nft-restore; echo rc $?
iptables-nft-save | grep -v '^#'
$I -D INPUT 1; $I -I INPUT 2 -p tcp --sport 5 -j DROP; $I -R INPUT 3 -p udp --dport 9 -j ACCEPT; $I -C INPUT -p udp --dport 9 -j ACCEPT; echo $?
$I -C INPUT -p udp --dport 99 -j ACCEPT; echo $?
$I -S INPUT
$I -E mychain newname; $I -X newname; $I -F; $I -X; $I -S
$I -Z; $I -L nochain; $I -A INPUT -j nochain
ip6tables-nft -A INPUT -p ipv6-icmp --icmpv6-type echo-request -j ACCEPT; ip6tables-nft -A INPUT -s fe80::/64 -p tcp --dport 1:1024 -j REJECT; ip6tables-nft -A OUTPUT -m hl --hl-lt 5 -j DROP;  ip6tables-nft -S; ip6tables-nft-save | grep -v '^#'
nft list ruleset
)sh";

}  // namespace lxnet::test
