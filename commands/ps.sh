#: Show the programs on a network that `lxnet run --net NAME` made
#:
#: Usage: ./lxnet ps [NAME] [--json]
#:
#: NAME may be left out when there is one network only.
#? hosts/linux/main.cc

command_ps() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet-run >&2
  exec "$(build_directory "$preset")/bin/lxnet-run" --command ps "$@"
}
