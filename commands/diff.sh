#: Compare a program's system calls on lxnet with Linux's, through strace
#:
#: Usage: ./lxnet diff [OPTION]... -- PROGRAM [ARGUMENT]...
#:        ./lxnet diff [OPTION]... --traces LINUX LXNET
#:
#: ./lxnet diff --help lists the options. Before them, --preset NAME chooses the build.
#? trace_diff/main.cc

command_diff() {
  # -q and everything from the program's name on belong to lxnet-diff.
  while (($#)) && [[ $1 == --preset* ]] && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  need_packages diff
  build_targets "$preset" lxnet-diff lxnet-run >&2
  exec "$(build_directory "$preset")/bin/lxnet-diff" "$@"
}
