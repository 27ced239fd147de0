#: Fuzz the parsers with libFuzzer under ASan and UBSan
#:
#: Usage: ./lxnet fuzz [--seconds N] [NAME]...
#:
#: NAME is a file of fuzz/ without _fuzz.cc; without one each runs in turn. Inputs found on the way are kept in
#: build/fuzz/corpus, beside which a crashing input is written.
#:   --seconds N   how long each target runs; 60 unless said
#:   --list        print the names instead of running
#? fuzz

fuzz_names() {
  local file
  for file in "$lxnet_root"/fuzz/*_fuzz.cc; do
    if [[ -e $file ]]; then basename "$file" _fuzz.cc; fi
  done
}

command_fuzz() {
  local seconds=60 names=()
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      --seconds)
        if [[ ! ${2-} =~ ^[1-9][0-9]*$ ]]; then die "--seconds needs a whole number"; fi
        seconds=$2
        shift
        ;;
      --list)
        fuzz_names
        return
        ;;
      -*) die "fuzz has no option '$1'; ./lxnet fuzz --help lists them" ;;
      *)
        if ! is_among "$1" $(fuzz_names); then
          die "there is no fuzz target '$1'$(suggest "$1" $(fuzz_names)) (./lxnet fuzz --list prints them)"
        fi
        names+=("$1")
        ;;
    esac
    shift
  done
  if ((!${#names[@]})); then mapfile -t names < <(fuzz_names); fi
  if ((!${#names[@]})); then die "fuzz/ has no targets"; fi
  preset=${preset:-fuzz}
  if [[ $preset != fuzz ]]; then die "fuzz builds with the preset fuzz and no other"; fi
  build_targets fuzz "${names[@]/#/fuzz_}"
  local name
  for name in "${names[@]}"; do fuzz_one "$name" "$seconds"; done
}

fuzz_one() {
  local directory corpus seeds=()
  directory=$(build_directory fuzz)
  corpus=$directory/corpus/$1
  mkdir -p "$corpus"
  if [[ -d $lxnet_root/fuzz/corpus/$1 ]]; then seeds=("$lxnet_root/fuzz/corpus/$1"); fi
  say "== $1 for $2 seconds"
  run "$directory/bin/fuzz_$1" -max_total_time="$2" -max_len=70000 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$directory/corpus/$1-" "$corpus" "${seeds[@]}"
}
