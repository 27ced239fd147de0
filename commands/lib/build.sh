# Configuring and building one preset.

jobs=$(nproc)

build_directory() { printf '%s/build/%s' "$lxnet_root" "$1"; }

# build_targets PRESET [TARGET...]: everything when no target is named. Quiet but for Ninja's progress and what goes wrong.
build_targets() {
  local chosen=$1
  shift
  need_packages build
  if [[ $chosen == *clang* || $chosen == fuzz ]]; then need_packages clang; fi
  if [[ $chosen == *riscv64* ]]; then need_packages lint; fi
  export NINJA_STATUS='[%f/%t] '
  configure "$chosen"
  local ninja=(ninja -C "$(build_directory "$chosen")" -j "$jobs")
  if ((verbose)); then
    run "${ninja[@]}" -v "$@"
  elif [[ -t 1 ]]; then
    "${ninja[@]}" "$@"
  else
    "${ninja[@]}" "$@" | show_some_progress
    return "${PIPESTATUS[0]}"
  fi
}

# Without a terminal Ninja prints a line per step: keep errors and every fiftieth step.
show_some_progress() {
  awk '/^\[[0-9]+\/[0-9]+\] / && !/FAILED/ { if (++step % 50 == 0) { print; fflush() } next }
       /^ninja: (Entering|no work)/ || /^-- / { next }
       { print; fflush() }'
}

configure() {
  local directory
  directory=$(build_directory "$1")
  if [[ -f $directory/build.ninja && $directory/build.ninja -nt $lxnet_root/CMakePresets.json ]]; then return 0; fi
  say "Configuring build/$1"
  mkdir -p "$directory"
  local log=$directory/configure.log
  if ((verbose)); then
    run cmake -S "$lxnet_root" --preset "$1"
  elif ! (cd "$lxnet_root" && cmake --preset "$1") >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "configuring failed; the whole output is in $log"
  fi
  touch "$directory/build.ninja"
}
