#include "tests/hosts/linux/nftables/scripts.hh"

namespace lxnet::test {

// clang-format off: it takes scripts for code
const char kRulesScript[] = R"sh(
cat > rules <<'R'
define admin = { 10.0.0.1, 10.0.0.2 }
table inet fw {
  counter http { }
  quota q1 { over 10 mbytes }
  limit l1 { rate 10/second burst 20 packets }
  set blocked { type ipv4_addr; flags interval; auto-merge; elements = { 192.168.0.0/16, 10.1.0.0-10.2.3.4, 172.16.5.5 } }
  set seen { type ipv4_addr; size 128; flags dynamic,timeout; timeout 1h; }
  set ports { type inet_service; elements = { 22, 80, 443 } }
  set pairs { type ipv4_addr . inet_service; elements = { 1.2.3.4 . 80, 5.6.7.8 . 443 } }
  set ranges { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 80-90, 5.6.7.8 . 443 } }
  map verdicts { type inet_service : verdict; elements = { 1 : accept, 2 : drop, 3 : jump extra } }
  map marks { type ipv4_addr : mark; elements = { 1.1.1.1 : 0x1, 2.2.2.2 : 0x2 } }
  map cnt { type inet_service : counter; elements = { 80 : "http" } }
  chain extra { tcp flags syn / syn,ack counter name http; return; }
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    iifname "eth*" accept
    ip saddr $admin tcp dport @ports accept
    ip saddr @blocked counter drop comment "bad ones"
    ip6 nexthdr icmpv6 icmpv6 type { echo-request, nd-neighbor-solicit } accept
    tcp dport vmap @verdicts
    tcp dport vmap { 100 : accept, 200-300 : drop }
    meta mark set ip saddr map @marks
    ip saddr . tcp dport @pairs accept
    ip saddr . tcp dport @ranges accept
    limit rate 5/minute burst 10 packets accept
    limit name "l1" accept
    quota name "q1" drop
    counter name tcp dport map @cnt
    add @seen { ip saddr limit rate 3/second } accept
    update @seen { ip saddr timeout 10m } counter
    ip ttl < 5 drop
    ip protocol { tcp, udp } meta l4proto tcp reject with icmpx type admin-prohibited
    reject with tcp reset
  }
  chain forw {
    type filter hook forward priority -5; policy accept;
    tcp option maxseg size set 1200
    ip dscp set cs1
    meta priority set 1:2
    fib saddr . iif oif missing drop
    fib daddr type local accept
    rt ip nexthop 10.0.0.1 accept
    numgen inc mod 3 vmap { 0 : accept, 1 : drop, 2 : continue }
    jhash ip saddr mod 4 seed 0xdeadbeef vmap { 0 : accept, 1-3 : continue }
    meta time "2022-01-01 00:00:00"-"2023-01-01 00:00:00" accept
    meta day "Monday" accept
    meta pkttype broadcast drop
    exthdr frag exists drop
    tcp option sack-perm exists accept
    ip option rr exists drop
    goto extra
  }
  chain out { type route hook output priority mangle; meta mark set 5; ip daddr 9.9.9.9 tcp sport 1 jump { counter; drop; } ; }
}
table ip6 six {
 chain c {
type filter hook prerouting priority raw; ip6 saddr fe80::/10 ip6 daddr { ::1, fe80::1 } exthdr hbh exists counter
 }
}
table arp a {
 chain c {
arp operation request accept
 }
}
table bridge b {
 chain c {
type filter hook forward priority 0; ether saddr 00:11:22:33:44:55 drop
 }
}
R
nft -f rules; echo rc $?
nft list ruleset
nft -a list ruleset | sed 's/^//'
nft -j list ruleset
nft -s list ruleset | md5sum
nft list sets; nft list maps; nft list counters; nft list quotas; nft list limits; nft list chains; nft list tables
nft get element inet fw blocked { 10.1.5.5 }
nft get element inet fw blocked { 10.3.5.5 }
nft get element inet fw ports { 22 }; nft get element inet fw ports { 23 }
nft get element inet fw ranges { 1.2.3.7 . 85 }
nft add element inet fw blocked { 10.1.5.0/24 }
nft add element inet fw blocked { 11.1.5.0/24, 11.1.6.0/24 }
nft delete element inet fw blocked { 11.1.5.0/24 }
nft list set inet fw blocked
nft create element inet fw ports { 22 }
nft add element inet fw ports { 22, 8080 }
nft delete element inet fw ports { 9 }
nft list set inet fw ports
nft insert rule inet fw forw ip saddr 1.1.1.1 drop
nft add rule inet fw forw position 20 ip saddr 1.1.1.2 drop
nft replace rule inet fw forw handle 9999 ip saddr 1.1.1.3 drop
nft delete chain inet fw extra
nft delete set inet fw ports
nft delete counter inet fw http
nft flush chain inet fw input
nft list chain inet fw input
nft delete set inet fw ports; nft delete map inet fw verdicts
nft rename chain inet fw forw forwarding
nft list chain inet fw forwarding
nft add chain inet fw forwarding '{ policy drop; }'
nft add chain inet fw x '{ type filter hook badhook priority 0; }'
nft add chain inet fw x '{ type nosuch hook input priority 0; }'
nft add rule inet fw nochain drop
nft add rule inet notable c drop
nft add rule inet fw forwarding jump nochain
nft add chain inet fw l1; nft add chain inet fw l2; nft add rule inet fw l1 jump l2; nft add rule inet fw l2 jump l1;  nft add rule inet fw forwarding jump l1
nft list chain inet fw l2
nft add table inet dorm '{ flags dormant; }'; nft list table inet dorm; nft add table inet dorm; nft list table inet dorm
nft flush ruleset; nft list ruleset
)sh";

}  // namespace lxnet::test
