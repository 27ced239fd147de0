# Installs the Debian packages that a group of commands needs (packages.list says which and why). One dpkg-query when all is there.

# need_packages GROUP...
need_packages() {
  local missing
  missing=$(missing_packages "$@")
  if [[ -z $missing ]]; then return 0; fi
  if ! command -v apt-get >/dev/null; then
    say "lxnet: this is not Debian or Ubuntu, so please install what provides these yourself:" >&2
    explain_packages $missing >&2
    exit 2
  fi
  say "lxnet: these packages are needed and will be installed with apt-get:"
  explain_packages $missing
  install_packages $missing
}

listed_packages() {
  local pattern
  pattern=$(IFS='|' && echo "$*")
  awk -v groups="^($pattern)$" '!/^#/ && $1 ~ groups { print $2 }' "$lxnet_root/commands/lib/packages.list"
}

missing_packages() {
  local wanted installed
  wanted=$(listed_packages "$@" | sort -u)
  if ! command -v dpkg-query >/dev/null; then
    if ! command -v cmake >/dev/null || ! command -v ninja >/dev/null; then echo "$wanted"; fi
    return 0
  fi
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u || true)
  comm -23 <(echo "$wanted") <(echo "$installed")
}

explain_packages() {
  local package
  for package in "$@"; do
    awk -v package="$package" '$2 == package { $1 = $2 = ""; sub(/^ +/, ""); printf "  %-24s %s\n", package, $0; exit }' \
      "$lxnet_root/commands/lib/packages.list"
  done
}

install_packages() {
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      die "not root and no sudo here: run 'apt-get install $*' as root, then this again"
    fi
    say "lxnet: sudo may ask for your password."
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  # A machine that has never fetched the package lists, or has old ones, fails the first time.
  if ! apt_install "$log" "${as_root[@]}"  -- "$@"; then
    if ! run "${as_root[@]}" apt-get -q update >>"$log" 2>&1 || ! apt_install "$log" "${as_root[@]}" -- "$@"; then
      tail -n 20 "$log" >&2
      die "apt-get could not install them; the whole output is in $log"
    fi
  fi
  rm -f "$log"
}

# apt_install LOG [PREFIX...] -- PACKAGE...
apt_install() {
  local log=$1 prefix=()
  shift
  while [[ $1 != -- ]]; do
    prefix+=("$1")
    shift
  done
  shift
  run "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >>"$log" 2>&1 </dev/null
}
