#: Build everything, or the targets named
#:
#: Usage: ./lxnet build [--preset NAME] [TARGET]...
#:
#: The default preset is release. The results are in build/PRESET: archives in lib/, programs in bin/.

command_build() {
  local targets=()
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      -*) die "build has no option '$1'; ./lxnet build --help lists them" ;;
      *) targets+=("$1") ;;
    esac
    shift
  done
  build_targets "${preset:-release}" "${targets[@]}"
  say "Built build/${preset:-release}"
}
