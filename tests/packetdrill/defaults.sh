#!/bin/sh
# The tunables that the scripts count on, in the network namespace that they run in.
sysctl -q -w net.ipv4.tcp_rmem="4096 131072 6291456" net.ipv4.tcp_wmem="4096 262144 4194304"
sysctl -q -w net.ipv4.tcp_congestion_control="${CONGESTION:-reno}"
sysctl -q -w net.ipv4.tcp_timestamps=1 net.ipv4.tcp_sack=1 net.ipv4.tcp_dsack=1 net.ipv4.tcp_window_scaling=1
sysctl -q -w net.ipv4.tcp_ecn=2 net.ipv4.tcp_recovery=1 net.ipv4.tcp_early_retrans=3 net.ipv4.tcp_frto=2
sysctl -q -w net.ipv4.tcp_syn_retries=6 net.ipv4.tcp_synack_retries=5 net.ipv4.tcp_slow_start_after_idle=1
sysctl -q -w net.ipv4.tcp_syncookies=1 net.ipv4.tcp_reordering=3 net.ipv4.tcp_fastopen=1
for setting in "$@"; do sysctl -q -w "$setting"; done
