#: Run the benchmarks
#:
#: Usage: ./lxnet bench [--json FILE] [NAME]...
#:
#: NAME is a file of bench/ without _bench.cc; without one all of them run. The default preset is release.
#:   --json FILE   also write the results there, in Google Benchmark's format, all binaries in one list
#:   --list        print the names instead of running
#? bench

bench_names() {
  local file
  for file in "$lxnet_root"/bench/*_bench.cc; do basename "$file" _bench.cc; done
}

command_bench() {
  local json="" names=()
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
  run_benchmarks "$json" "${names[@]}"
}

run_benchmarks() {
  local json=$1 name results
  shift
  preset=${preset:-release}
  build_targets "$preset" "${@/#/bench_}"
  results=$(mktemp -d)
  for name in "$@"; do
    say "== $name"
    run "$(build_directory "$preset")/bin/bench_$name" --benchmark_out="$results/$name.json" --benchmark_out_format=json
  done
  if [[ -n $json ]]; then
    python3 - "$json" "$results" <<'PYTHON'
import json, pathlib, sys
merged = {"context": {}, "benchmarks": []}
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.json")):
    part = json.loads(path.read_text())
    merged["context"] = part["context"]
    merged["benchmarks"] += [dict(row, binary=path.stem) for row in part["benchmarks"]]
pathlib.Path(sys.argv[1]).write_text(json.dumps(merged, indent=1) + "\n")
PYTHON
    say "Wrote $json"
  fi
  rm -r "$results"
}
