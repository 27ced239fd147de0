#: Build and run the tests
#:
#: Usage: ./lxnet test [--preset NAME] [--list] [FILTER]
#:
#: FILTER is a regular expression on the tests' names, which look like stack/udp/UdpSocket.DeliversToTheBoundPort.
#: The default preset is debug; asan and tsan are the sanitizers.
#:   --list   print the names instead of running
#:   -v       print every test's line and output

command_test() {
  local filter="" list=0
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      --list) list=1 ;;
      -*) die "test has no option '$1'; ./lxnet test --help lists them" ;;
      *)
        if [[ -n $filter ]]; then die "test takes one filter; join several as 'A|B'"; fi
        filter=$1
        ;;
    esac
    shift
  done
  preset=${preset:-debug}
  if [[ $preset == freestanding* ]]; then die "preset $preset builds the core alone and has no tests"; fi
  build_targets "$preset" $(targets_of_filter "$filter")

  local ctest=(ctest --preset "$preset" -j "$jobs" --no-tests=error --no-label-summary)
  if [[ -n $filter ]]; then ctest+=(-R "$filter"); fi
  # Real processes and threads depend on the machine's load: CI looks twice, and ctest says so.
  if [[ ${CI:-} == true ]]; then ctest+=(--repeat until-pass:2); fi
  if ((list)); then ctest+=(-N); fi
  cd "$lxnet_root" || return
  if [[ $("${ctest[@]}" -N) == *"Total Tests: 0"* ]]; then
    die "no test's name matches '$filter'; ./lxnet test --list prints them all"
  fi
  if ((verbose)); then
    run "${ctest[@]}" --verbose
  elif ((list)); then
    "${ctest[@]}" | sed -n 's/^ *Test *#[0-9]*: //p'
  elif [[ -t 1 ]]; then
    "${ctest[@]}" --progress
  else
    "${ctest[@]}" | awk '/^ *Start +[0-9]+:/ || / Passed +[0-9.]+ sec$/ { next } { print; fflush() }'
  fi
}

# A filter that names a directory below tests/ needs only that directory's binaries; any other may mean any test.
targets_of_filter() {
  local path=${1%/}
  if [[ ! $path =~ ^[a-z0-9_/]+$ || ! -d $lxnet_root/tests/$path ]]; then return 0; fi
  local directory
  find "$lxnet_root/tests/$path" -name '*_test.cc' -printf '%h\n' | sort -u | while read -r directory; do
    directory=${directory#"$lxnet_root"/tests/}
    echo "test_${directory//\//_}"
  done
}
