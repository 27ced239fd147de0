#: Show the sockets of a network that `lxnet run --net NAME` made, as ss does
#:
#: Usage: ./lxnet ss [NAME] [--json]
#:
#: NAME may be left out when there is one network only.
#? hosts/linux/main.cc

command_ss() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet-run >&2
  exec "$(build_directory "$preset")/bin/lxnet-run" --command ss "$@"
}
