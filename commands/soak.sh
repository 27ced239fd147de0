#: Run nginx, redis and iperf3 on lxnet for a while, with kills and restarts, and watch for leaks
#:
#: Usage: ./lxnet soak [SECONDS]
#:
#: SECONDS is 600 unless given. Prints the supervisor's descriptors and memory after every round; the first rounds fill its pools.
#? tests/hosts/linux/soak

command_soak() {
  local seconds=600
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    if [[ ! $1 =~ ^[0-9]+$ ]]; then die "soak takes a number of seconds, not '$1'"; fi
    seconds=$1
    shift
  done
  preset=${preset:-release}
  need_packages demo full
  build_targets "$preset" test_hosts_linux_soak
  LXNET_SOAK_SECONDS=$seconds run "$(build_directory "$preset")/bin/test_hosts_linux_soak"
}
