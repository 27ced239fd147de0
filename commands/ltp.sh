#: Run the Linux Test Project's network tests natively and on lxnet, and report both side by side
#:
#: Usage: ./lxnet ltp [OPTION]... [TEST]...
#:
#: Needs an installed LTP: --root DIR, or the variable LTPROOT, or /opt/ltp.
#: ./lxnet ltp --help lists the options; --list the suites and their tests. Before the options, --preset NAME chooses the build.
#? ltp_runner/main.cc

command_ltp() {
  # -v and --help belong to lxnet-ltp.
  while (($#)) && [[ $1 == --preset* ]] && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  local targets=(lxnet-ltp lxnet-run) word bin
  for word; do
    if [[ $word == --diff ]]; then targets+=(lxnet-diff); fi
  done
  build_targets "$preset" "${targets[@]}" >&2
  bin=$(build_directory "$preset")/bin
  exec "$bin/lxnet-ltp" --lxnet-run "$bin/lxnet-run" --lxnet-diff "$bin/lxnet-diff" --suites "$lxnet_root/ltp_runner/suites" --output "$lxnet_root/build/ltp" "$@"
}
