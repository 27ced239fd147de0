#: Show a network of simulated hosts: ping, traceroute, UDP under loss
#:
#: Usage: ./lxnet demo [ARGUMENT]...
#:
#: Runs hosts and routers in one process on a virtual clock, prints a table and writes a capture that Wireshark opens.
#? hosts/sim/demo

command_demo() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet_demo
  run "$(build_directory "$preset")/bin/lxnet_demo" "$@"
}
