#: Install the Debian packages that lxnet needs
#:
#: Usage: ./lxnet setup
#:
#: Says which packages are missing and why each is needed, and installs them with apt-get, through sudo unless you are
#: root. Every other command does the same for what it needs itself, so running this first is a convenience.

command_setup() {
  while (($#)); do
    if take_common_option "$@"; then shift "$taken"; else die "setup takes no argument '$1'"; fi
  done
  need_packages build clang lint demo full
  say "Everything lxnet needs is installed."
}
