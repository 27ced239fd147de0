#: List, show and end the networks that `lxnet run --net NAME` made
#:
#: Usage: ./lxnet net list | show NAME | rm NAME
#? hosts/linux/main.cc

command_net() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet-run >&2
  exec "$(build_directory "$preset")/bin/lxnet-run" --command net "$@"
}
