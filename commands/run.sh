#: Run an unmodified program on a network of lxnet's
#:
#: Usage: ./lxnet run [OPTION]... [--] PROGRAM [ARGUMENT]...
#:
#: ./lxnet run --help lists the options of the program's network. Before them, --preset NAME chooses the build.
#? hosts/linux/main.cc

command_run() {
  # -v and everything from the program's name on belong to lxnet-run.
  while (($#)) && [[ $1 == --preset* ]] && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet-run >&2
  exec "$(build_directory "$preset")/bin/lxnet-run" "$@"
}
