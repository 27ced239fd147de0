// Tools of networks: netcat, socat, iperf3, ping, dig and dnsmasq; redis.

#include "tests/hosts/linux/apps/app.hh"

namespace lxnet::test {
namespace {

// clang-format off: it takes scripts for code
const App kApps[] = {
    {"NetcatTcp",
     {"nc"},
     R"sh(head -c 200000 /dev/urandom > file
for address in 127.0.0.1 ::1; do
  nc -l -N $address 5000 > copy < /dev/null & sleep 0.3
  nc -N $address 5000 < file; wait; cmp file copy
done
if nc -z 127.0.0.1 5001; then exit 1; fi)sh"},
    {"NetcatUdp",
     {"nc"},
     R"sh(for address in 127.0.0.1 ::1; do
  nc -u -l -W 1 $address 5000 > copy & sleep 0.3
  echo hello | nc -u -w 1 $address 5000; wait; same "$(cat copy)" hello
done)sh"},
    {"Socat",
     {"socat", "nc"},
     R"sh(socat TCP-LISTEN:5000,bind=127.0.0.1,fork,reuseaddr EXEC:cat & until_connects 5000
for i in 1 2 3; do same "$(echo "through $i" | socat -t 2 - TCP:127.0.0.1:5000)" "through $i"; done
socat TCP6-LISTEN:5001,bind=[::1],fork,reuseaddr TCP:127.0.0.1:5000 & until_connects 5001 ::1
same "$(echo relayed | socat -t 2 - 'TCP6:[::1]:5001')" relayed
socat UDP-LISTEN:5002,bind=127.0.0.1 EXEC:cat & sleep 0.3
same "$(echo datagram | socat -t 1 - UDP:127.0.0.1:5002)" datagram
socat UNIX-LISTEN:socket,fork TCP:127.0.0.1:5000 & until_exists socket
same "$(echo both | socat -t 2 - UNIX-CONNECT:socket)" both)sh"},
    {"FioOnFilesByItsRing",
     {"fio"},
     R"sh(fio --name=file --size=2M --ioengine=io_uring --iodepth=8 --rw=randrw --verify=crc32c --minimal > report
for kind in --fixedbufs=1 --registerfiles=1; do
  fio --name=file --size=2M --ioengine=io_uring --iodepth=8 --rw=randread $kind --minimal > report
done)sh",
     Unix::OfTheHost,
     "fio --name=probe --filename=/dev/zero --size=4k --ioengine=io_uring --rw=read --minimal > /dev/null 2>&1"},
    {"SocatAfUnixOfLxnet",
     {"socat"},
     R"sh(socat UNIX-LISTEN:socket,fork EXEC:cat & until_exists socket
for i in 1 2 3; do same "$(echo "through $i" | socat -t 2 - UNIX-CONNECT:socket)" "through $i"; done)sh",
     Unix::OfLxnet},
    {"Nft",
     {"nft", "iptables-nft", "nc"},
     R"sh(nc -l -k 127.0.0.1 5000 > /dev/null & until_connects 5000
nft -f - <<'RULES'
table inet fw {
  set closed { type inet_service; }
  chain output {
    type filter hook output priority filter; policy accept;
    ct state established,related counter accept
    tcp dport @closed counter reject with tcp reset
  }
}
table ip nat {
  chain output { type nat hook output priority -100; tcp dport 5001 redirect to :5000; }
}
RULES
nc -z 127.0.0.1 5000
nc -z 127.0.0.1 5001
nft add element inet fw closed '{ 5000 }'
if nc -z 127.0.0.1 5000; then exit 1; fi
same "$(nft list chain inet fw output | awk '/reject/ { print $6 }')" 1
nft flush ruleset
nc -z 127.0.0.1 5000
iptables-nft -A INPUT -p tcp --dport 5000 -m conntrack --ctstate NEW -j REJECT --reject-with tcp-reset
if nc -z 127.0.0.1 5000; then exit 1; fi
iptables-nft -t nat -A OUTPUT -p tcp --dport 5002 -j REDIRECT --to-ports 5003
nc -l 127.0.0.1 5003 > heard & sleep 0.3
echo through | nc -N 127.0.0.1 5002; wait $!
same "$(cat heard)" through)sh"},
    {"Iptables",
     {"iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore", "nc"},
     R"sh(nc -l -k 127.0.0.1 5000 > /dev/null & until_connects 5000
nc -l -k 127.0.0.1 5001 > /dev/null & until_connects 5001
iptables-legacy -A INPUT -p tcp --dport 5000 -j REJECT --reject-with tcp-reset
if nc -z 127.0.0.1 5000; then exit 1; fi
nc -z 127.0.0.1 5001
iptables-legacy -N ports
iptables-legacy -A ports -m comment --comment 'as good as closed' -j REJECT
iptables-legacy -A OUTPUT -p udp -m limit --limit 1/hour --limit-burst 1 -j ACCEPT
iptables-legacy -A OUTPUT -p tcp -m multiport --dports 5001,6000:6010 -g ports
iptables-legacy -Z
if nc -z 127.0.0.1 5001; then exit 1; fi
same "$(iptables-legacy -vnxL ports | awk '/REJECT/ { print $1 }')" 1
iptables-legacy-save -t filter | grep -v '^#' > saved
same "$(grep -c '^-A' saved)" 4
iptables-legacy -F; iptables-legacy -X
nc -z 127.0.0.1 5000; nc -z 127.0.0.1 5001
iptables-legacy-restore < saved
iptables-legacy-save -t filter | grep -v '^#' | cut -d[ -f1 > again
cut -d[ -f1 saved | cmp - again
iptables-legacy -t mangle -A OUTPUT -p udp --dport 53 -j MARK --set-mark 7
iptables-legacy -t raw -A PREROUTING -m addrtype --dst-type LOCAL -m length --length 1000: -m ttl --ttl-lt 5 -j DROP
grep -qx raw /proc/net/ip_tables_names; grep -qx multiport /proc/net/ip_tables_matches; grep -qx REJECT /proc/net/ip_tables_targets
if iptables-legacy -A INPUT -m nonsense -j DROP; then exit 1; fi
if iptables-legacy -A INPUT -p udp --reject-with tcp-reset -j REJECT; then exit 1; fi)sh"},
    {"IptablesNat",
     {"iptables-legacy", "iptables-legacy-save", "iptables-legacy-restore", "nc", "socat", "curl"},
     R"sh(printf 'HTTP/1.0 200 OK\r\n\r\nredirected' > page
socat TCP-LISTEN:8080,bind=127.0.0.1,fork,reuseaddr SYSTEM:'read line; cat page' & until_connects 8080
iptables-legacy -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080
same "$(curl -s -m 10 http://127.5.5.5/)" redirected
if curl -s -m 10 http://127.5.5.5:81/; then exit 1; fi
iptables-legacy -t nat -A OUTPUT -p tcp -d 127.6.0.0/16 --dport 1000:1999 -j DNAT --to-destination 127.0.0.1:8080
iptables-legacy -t nat -A POSTROUTING -p tcp -s 127.0.0.0/8 --dport 8080 -j SNAT --to-source 127.0.0.7 --random
same "$(curl -s -m 10 http://127.6.6.6:1234/)" redirected
grep -q 'dst=127.6.6.6 sport=[0-9]* dport=1234 src=127.0.0.1 dst=127.0.0.7 sport=8080' /proc/net/nf_conntrack
iptables-legacy -A INPUT -p tcp -m conntrack --ctstate NEW --ctorigdstport 1234 -j REJECT
if curl -s -m 10 http://127.6.6.6:1234/; then exit 1; fi
iptables-legacy -I INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
same "$(curl -s -m 10 http://127.5.5.5/)" redirected
iptables-legacy -t mangle -A OUTPUT -m connmark --mark 0 -j CONNMARK --set-mark 5
iptables-legacy -t raw -A OUTPUT -p udp -j CT --notrack
iptables-legacy-save | grep -v '^[#:]' > saved
iptables-legacy -t nat -F; iptables-legacy -F
if curl -s -m 10 http://127.5.5.5/; then exit 1; fi
iptables-legacy-restore < saved
same "$(curl -s -m 10 http://127.5.5.5/)" redirected
iptables-legacy-save | grep -v '^[#:]' | cmp - saved
if iptables-legacy -t nat -A PREROUTING -j SNAT --to-source 127.0.0.7; then exit 1; fi
if iptables-legacy -t nat -A PREROUTING -j MASQUERADE; then exit 1; fi)sh"},
    {"Ip6tablesNat",
     {"ip6tables-legacy", "socat", "curl"},
     R"sh(printf 'HTTP/1.0 200 OK\r\n\r\nredirected' > page
socat TCP6-LISTEN:8080,fork,reuseaddr SYSTEM:'read line; cat page' & until_connects 8080 ::1
ip6tables-legacy -t nat -A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080
same "$(curl -s -m 10 'http://[::1]/')" redirected
ip6tables-legacy -t nat -S | grep -q -- '-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080')sh"},
    {"Ip6tables",
     {"ip6tables-legacy", "ping"},
     R"sh(ping -6 -q -c 1 -W 5 ::1 > /dev/null
ip6tables-legacy -A INPUT -p icmpv6 --icmpv6-type echo-request -m hl --hl-eq 64 -j DROP
if ping -6 -q -c 1 -W 1 ::1 > /dev/null; then exit 1; fi
ip6tables-legacy -P OUTPUT DROP
if ping -6 -q -c 1 -W 1 ::1 > /dev/null; then exit 1; fi
ip6tables-legacy -P OUTPUT ACCEPT; ip6tables-legacy -F
ping -6 -q -c 1 -W 5 ::1 > /dev/null)sh"},
    {"Redis",
     {"redis-server", "redis-cli", "redis-benchmark", "nc"},
     R"sh(redis-server --bind 127.0.0.1 ::1 --port 6379 --save '' > log & until_connects 6379
same "$(redis-cli set key value)" OK
same "$(redis-cli -h ::1 get key)" value
redis-benchmark -q -n 2000 -c 20 -t set,get > report
redis-benchmark -q -n 5000 -c 20 -P 16 -t set,get,lpush > report
redis-cli shutdown nosave || true; wait)sh"},
    {"RedisOverUnixSocket",
     {"redis-server", "redis-cli", "redis-benchmark"},
     R"sh(redis-server --port 0 --unixsocket "$PWD/socket" --save '' > log & until_exists socket
same "$(redis-cli -s socket set key value)" OK
same "$(redis-cli -s socket get key)" value
redis-benchmark -s socket -q -n 500 -c 5 -t set,get > report
redis-cli -s socket shutdown nosave || true; wait)sh"},
    {"RedisOverAfUnixOfLxnet",
     {"redis-server", "redis-cli", "redis-benchmark"},
     R"sh(redis-server --port 0 --unixsocket "$PWD/socket" --save '' > log & until_exists socket
same "$(redis-cli -s socket set key value)" OK
same "$(redis-cli -s socket get key)" value
redis-benchmark -s socket -q -n 500 -c 5 -t set,get > report
redis-cli -s socket shutdown nosave || true; wait)sh",
     Unix::OfLxnet},
    {"Iperf3Tcp",
     {"iperf3", "nc"},
     R"sh(iperf3 -s --forceflush -B 127.0.0.1 -p 5201 > server & until_true grep -q listening server
for way in '' -R --bidir '-P 4' '-P 2 -R' '-b 10M'; do
  iperf3 -c 127.0.0.1 -p 5201 -t 1 $way > report || { echo "$way"; cat report; exit 1; }
done)sh"},
    {"Iperf3Udp",
     {"iperf3", "nc"},
     R"sh(iperf3 -s --forceflush -B 127.0.0.1 -p 5201 > server & until_true grep -q listening server
for way in '' -R '-P 2'; do
  iperf3 -c 127.0.0.1 -p 5201 -u -b 5M -t 1 $way > report || { echo "$way"; cat report; exit 1; }
  grep -q '(0%).*receiver' report || { echo "datagrams were lost $way"; cat report; exit 1; }
done)sh"},
    {"Ping",
     {"ping"},
     R"sh(ping -c 3 -i 0.01 127.0.0.1 > report; grep -q '3 received, 0% packet loss' report
ping -c 3 -i 0.01 -s 8000 127.0.0.1 > report; grep -q '3 received' report; grep -q '8008 bytes from' report
ping -c 2 -i 0.01 -t 9 127.0.0.2 > report; grep -q 'ttl=' report
if ping -c 1 -W 1 192.0.2.1 > report 2>&1; then exit 1; fi; grep -qi unreachable report)sh"},
    {"Ping6",
     {"ping"},
     R"sh(ping -6 -c 3 -i 0.01 ::1 > report; grep -q '3 received, 0% packet loss' report
ping -6 -c 3 -i 0.01 -s 8000 ::1 > report; grep -q '3 received' report)sh"},
    {"Tcpdump",
     {"tcpdump", "nc"},
     R"sh(timeout 20 tcpdump -Z root -i lo -n --immediate-mode -c 6 -w capture "tcp port 5000 or udp port 5001" 2> report &
until grep -q listening report; do sleep 0.1; done
nc -l -N 127.0.0.1 5000 > copy < /dev/null & sleep 0.3
echo nothing | nc -u -w 1 127.0.0.1 5002 || true
echo hello | nc -N 127.0.0.1 5000; wait
grep -q "^6 packets captured" report
tcpdump -Z root -n -r capture 2> /dev/null > text
same "$(grep -c "127.0.0.1.5000" text)" 6
grep -q "Flags .S., .*mss 65495,sackOK" text
grep -q "Flags .P.*length 6" text)sh"},
    {"DigAndDnsmasq",
     {"dig", "dnsmasq"},
     R"sh(printf 'txt-record=text.example,"a long text, and more of it"\n' > conf
for i in $(seq 90); do echo "host-record=many.example,192.0.2.$i" >> conf; done
dnsmasq -k -C conf --no-resolv --no-hosts -u "$(id -un)" --pid-file= -p 5353 --listen-address=127.0.0.1,::1 --bind-interfaces \
  --address=/one.example/192.0.2.7 --address=/one.example/2001:db8::7 2> log &
ask() { dig +short +time=1 +tries=2 -p 5353 "$@"; }
until_true ask @127.0.0.1 one.example
same "$(ask @127.0.0.1 one.example)" 192.0.2.7
same "$(ask @::1 one.example AAAA)" 2001:db8::7
same "$(ask @127.0.0.1 +tcp one.example)" 192.0.2.7
same "$(ask @127.0.0.1 text.example TXT)" '"a long text, and more of it"'
# More than a datagram without EDNS holds: dig comes back over TCP.
same "$(ask @127.0.0.1 +noedns many.example | wc -l)" 90
dig +time=1 +tries=1 -p 5353 @127.0.0.1 none.example | grep -q 'status: REFUSED')sh"},
};
// clang-format on

INSTANTIATE_APPS(Tools, kApps);

}  // namespace
}  // namespace lxnet::test
