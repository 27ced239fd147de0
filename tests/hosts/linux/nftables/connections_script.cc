#include "tests/hosts/linux/nftables/scripts.hh"

namespace lxnet::test {

// clang-format off: it takes scripts for code
const char kConnectionsScript[] = R"sh(
cat > rules <<'R'
table inet fw {
  set blocked { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.1-192.168.1.9 } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif lo accept
    ip saddr @blocked drop
    tcp dport { 22, 80, 443 } ct state new limit rate 15/minute accept
    ct mark 0x10 counter
    ct mark set mark
    meta mark set ct mark
    ct direction original ct status assured counter
    ct original ip saddr 10.1.1.1 counter
    meta l4proto tcp ct original proto-dst 22 counter
    ct expiration > 10s counter
    ct bytes > 100 counter
    ct original packets > 10 counter
    ct avgpkt > 100 counter
    ct zone 5 counter
    ct protocol tcp counter
 ; }
  chain raw { type filter hook prerouting priority raw; udp dport 53 notrack; tcp dport 99 ct zone set 5; }
}
table ip nat {
  chain pre { type nat hook prerouting priority dstnat; tcp dport 8080 dnat to 10.0.0.2:80; tcp dport 81 redirect to :8081; dnat to 10.0.0.1-10.0.0.9 persistent; dnat to tcp dport map { 1 : 10.0.0.1, 2 : 10.0.0.2 }; }
  chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; ip saddr 10.0.0.0/8 snat to 1.2.3.4; tcp sport 1-5 masquerade to :1024-65535 random; tcp sport 9 snat to 1.2.3.4:100-200; }
  chain out { type nat hook output priority -100; redirect; }
}
table ip6 nat { chain post { type nat hook postrouting priority srcnat; masquerade random,persistent; snat to fe80::1; }; }
table inet nat2 { chain post { type nat hook postrouting priority srcnat; snat ip to 1.2.3.4; snat ip6 to dead::1; masquerade; }
 chain pre { type nat hook prerouting priority dstnat; tcp dport 1 redirect to :80 
}; }
R
nft -f rules; echo rc $?
nft -a list ruleset; nft -j list ruleset | head -c 20000
nft add rule inet fw input masquerade; nft add rule ip nat pre masquerade; nft add chain ip nat x '{ type nat hook forward priority 0; }'
nft add chain ip nat y '{ type nat hook output priority -300; }'
nft flush ruleset
iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
iptables-nft -t nat -A POSTROUTING -o eth0 -j MASQUERADE
iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.2.3.4:5-9
iptables-nft -t nat -A OUTPUT -p tcp --dport 81 -j DNAT --to-destination 127.0.0.1:82
iptables-nft -t nat -A PREROUTING -d 1.2.3.0/24 -j NETMAP --to 10.0.0.0/24
iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables-nft -A INPUT -m state --state NEW -j ACCEPT
iptables-nft -A INPUT -m connmark --mark 5 -j DROP
iptables-nft -t mangle -A PREROUTING -j CONNMARK --save-mark
iptables-nft -t raw -A PREROUTING -p udp -j NOTRACK
iptables-nft -t raw -A PREROUTING -p udp -j CT --zone 4
iptables-nft-save | grep -v "^#"; nft list ruleset
iptables-nft -A INPUT -j MASQUERADE
ip6tables-nft -t nat -A POSTROUTING -j MASQUERADE; ip6tables-nft-save | grep -v "^#"
iptables-nft -t nat -F; iptables-nft -t nat -L -n
)sh";

}  // namespace lxnet::test
