#: Build for speed: once to see which paths are hot, once knowing it
#:
#: Usage: ./lxnet tune [TARGET]...
#:
#: Makes the preset tuned, for `./lxnet bench --preset tuned` and `./lxnet run --preset tuned -- PROGRAM`: g++ counts which branches
#: the benchmarks take in lxnet, and compiles everything again with that. A file changed since is compiled without its counts; run this
#: again when many are. It takes two whole builds.
#: TARGET limits the second (bench_udp, lxnet-run, ...).
#? bench

command_tune() {
  local targets=() training=(udp tcp unix epoll) name
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    if [[ $1 == -* ]]; then die "tune has no option '$1'; ./lxnet tune --help explains it"; fi
    targets+=("$1")
    shift
  done
  if [[ -n $preset && $preset != tuned ]]; then die "tune builds the preset tuned and no other"; fi
  local directory
  directory=$(build_directory tuned)
  build_for_profile record "${training[@]/#/bench_}"
  find "$directory" -name '*.gcda' -delete
  for name in "${training[@]}"; do
    say "Watching $name"
    run "$directory/bin/bench_$name" --side lxnet --runs 2 >"$directory/training_$name.txt"
  done
  build_for_profile use ${targets[@]+"${targets[@]}"}
}

# build_for_profile record|use [TARGET]...: the counts lie beside the objects, so both builds share one directory.
build_for_profile() {
  local profile=$1
  shift
  configure tuned
  cmake "-DLXNET_PROFILE=$profile" "$directory" >"$directory/configure.log"
  build_targets tuned "$@"
}
