#: Measure TCP's goodput over a grid of simulated paths
#:
#: Usage: ./lxnet goodput [--write]
#:
#: Prints the table of docs/tcp_goodput.md: loss, round-trip time and congestion control, with reordering and duplication. It takes
#: about a minute and is the same on every machine. The default preset is release.
#:   --write   write the table to docs/tcp_goodput.md instead
#? hosts/sim/goodput

command_goodput() {
  local file=""
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      --write) file=$lxnet_root/docs/tcp_goodput.md ;;
      *) die "goodput has no option '$1'; ./lxnet goodput --help lists them" ;;
    esac
    shift
  done
  preset=${preset:-release}
  build_targets "$preset" lxnet_goodput
  local program
  program=$(build_directory "$preset")/bin/lxnet_goodput
  if [[ -z $file ]]; then
    run "$program"
    return
  fi
  run "$program" >"$file.new" && mv "$file.new" "$file" && say "Wrote $file"
}
