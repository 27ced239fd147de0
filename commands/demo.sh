#: Show what lxnet does: a simulated network, then an unmodified web server and client
#:
#: Usage: ./lxnet demo [ARGUMENT]...
#:
#: First hosts and a router in one process on a virtual clock: ping, traceroute, UDP under loss, a table, and a capture that Wireshark
#: opens. Then python3's web server and curl, unmodified, whose network calls are answered by lxnet; and the same exchange once more
#: over a network that loses packets. Last a program under strace on Linux and on lxnet, its calls compared, without a difference and with one
#: that is there on purpose. ARGUMENTs are the simulation's, which then is all that is shown; --help lists them.
#? hosts/sim/demo

command_demo() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  need_packages demo
  build_targets "$preset" lxnet_demo lxnet-run lxnet-diff
  local bin
  bin=$(build_directory "$preset")/bin
  run "$bin/lxnet_demo" "$@"
  if (($#)); then return 0; fi
  printf '\nUnmodified programs: python3 serves a file to curl, on a network of their own.\n\n'
  exchange "$bin/lxnet-run"
  printf '\nThe same over a link with 5 ms each way that loses 2 %% of the packets.\n\n'
  exchange "$bin/lxnet-run" --impair "delay=5ms loss=2% seed=7"
  printf '\nWhat python3 asks and is told, on Linux and on lxnet: datagrams in every way, each call compared.\n\n'
  comparison "$bin/lxnet-diff"
  printf '\nAnd what a difference looks like: the same, but lxnet is told to send with another time to live.\n\n'
  comparison "$bin/lxnet-diff" --run-option=--sysctl --run-option=net.ipv4.ip_default_ttl=7 --context 1
}

# comparison LXNET_DIFF [OPTION]...: that there is a difference is no failure here.
comparison() {
  local lxnet_diff=$1 status=0 python=/usr/bin/python3
  shift
  # The distribution's own: what a version manager puts before it is a shell.
  if [[ ! -x $python ]]; then python=python3; fi
  printf '  $ lxnet diff'
  if (($#)); then printf ' %q' "$@"; fi
  printf ' -- python3 tests/traces/programs/udp.py\n'
  "$lxnet_diff" --color never "$@" -- "$python" "$lxnet_root/tests/traces/programs/udp.py" | sed 's/^/  /' || status=${PIPESTATUS[0]}
  if ((status > 1)); then return "$status"; fi
}

# exchange LXNET_RUN [OPTION]...: what the programs did, and what lxnet counted.
exchange() {
  local lxnet_run=$1 directory
  shift
  directory=$(mktemp -d)
  head -c 20000000 /dev/urandom >"$directory/file"
  printf '  $ lxnet run'
  printf ' %q' --stats "$@"
  printf ' -- ...\n'
  (cd "$directory" && "$lxnet_run" --stats "$@" -- sh -euc "$exchange_script" 2>&1) | sed 's/^/  /'
  rm -r "$directory"
}

# The address is lxnet's own 127.0.0.1, which nothing on this machine can reach.
# shellcheck disable=SC2016 # the shell on lxnet expands them
exchange_script='
say() { printf "\$ %s\n" "$*"; }
url=http://127.0.0.1:8000/file
say python3 -m http.server --bind 127.0.0.1 8000 "&"
python3 -m http.server --bind 127.0.0.1 8000 >log 2>&1 &
until curl -s -o /dev/null http://127.0.0.1:8000/log; do sleep 0.1; done
say curl -o copy $url
curl -sS -o copy -w "%{http_code}, %{size_download} bytes in %{time_total} s, %{num_connects} connection\n" $url
cmp file copy && echo "the copy is the same"
say curl -o /dev/null http://127.0.0.1:8001/
curl -sS -o /dev/null http://127.0.0.1:8001/ || true
say tail -n 1 log
tail -n 1 log
'
