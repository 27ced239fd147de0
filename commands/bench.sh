#: Run the benchmarks
#:
#: Usage: ./lxnet bench [--json FILE] [--runs N] [NAME]...
#:
#: NAME is a file of bench/ without _bench.cc; without one all of them run. The default preset is release.
#:   --json FILE   also write all results there: {bench, case, unit, lxnet, linux, lwip, ratio_linux, ...}
#:   --runs N      how often each side of each case is measured (15)
#:   --case PART   only the cases that have this in their name; may be repeated
#:   --list        print the names instead of running
#? bench

bench_names() {
  local file
  for file in "$lxnet_root"/bench/*_bench.cc; do basename "$file" _bench.cc; done
}

command_bench() {
  local json="" names=() options=()
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      --json)
        if (($# < 2)); then die "--json needs a file name"; fi
        json=$2
        shift
        ;;
      --runs)
        if (($# < 2)); then die "--runs needs a number"; fi
        options+=(--runs "$2")
        shift
        ;;
      --case)
        if (($# < 2)); then die "--case needs a part of a name"; fi
        options+=("$2")
        shift
        ;;
      --list)
        bench_names
        return
        ;;
      -*) die "bench has no option '$1'; ./lxnet bench --help lists them" ;;
      *)
        if ! is_among "$1" $(bench_names); then
          die "there is no benchmark '$1'$(suggest "$1" $(bench_names)) (./lxnet bench --list prints them)"
        fi
        names+=("$1")
        ;;
    esac
    shift
  done
  if ((!${#names[@]})); then mapfile -t names < <(bench_names); fi
  preset=${preset:-release}
  build_targets "$preset" "${names[@]/#/bench_}"
  run_benchmarks
}

# With command_bench's json, names and options.
run_benchmarks() {
  local name results
  results=$(mktemp -d)
  for name in "${names[@]}"; do
    run "$(build_directory "$preset")/bin/bench_$name" --json "$results/$name.json" ${options[@]+"${options[@]}"}
    say ""
  done
  if [[ -n $json ]]; then
    python3 - "$json" "$results" <<'PYTHON'
import json, pathlib, sys
rows = [row for path in sorted(pathlib.Path(sys.argv[2]).glob("*.json")) for row in json.loads(path.read_text())]
pathlib.Path(sys.argv[1]).write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n")
PYTHON
    say "Wrote $json"
  fi
  rm -r "$results"
}
