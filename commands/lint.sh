#: Check what CI checks besides the tests
#:
#: Usage: ./lxnet lint [--list | --self-test] [NAME]...
#:
#: Without a name every check runs. Each prints what is wrong and what to do about it.
#:   --list        print the checks
#:   --self-test   prove on fixtures that each check refuses what it should
#? .ci/lint

lint_names() {
  local file
  for file in "$lxnet_root"/.ci/lint/*.py; do
    case $(basename "$file" .py) in
      common | self_test) ;;
      *) basename "$file" .py ;;
    esac
  done
}

lint_summary() { sed -n '1s/"""//gp' "$lxnet_root/.ci/lint/$1.py"; }

command_lint() {
  local names=()
  while (($#)); do
    if take_common_option "$@"; then
      shift "$taken"
      continue
    fi
    case $1 in
      --list)
        local name
        for name in $(lint_names); do printf '  %-10s %s\n' "$name" "$(lint_summary "$name")"; done
        return
        ;;
      --self-test)
        need_packages build clang lint
        run python3 -B "$lxnet_root/.ci/lint/self_test.py"
        return
        ;;
      -*) die "lint has no option '$1'; ./lxnet lint --help lists them" ;;
      *)
        if ! is_among "$1" $(lint_names); then
          die "there is no check '$1'$(suggest "$1" $(lint_names)) (./lxnet lint --list prints them)"
        fi
        names+=("$1")
        ;;
    esac
    shift
  done
  if ((!${#names[@]})); then mapfile -t names < <(lint_names); fi
  run_lints "${names[@]}"
}

run_lints() {
  need_packages build clang lint
  local name failed=()
  for name in "$@"; do
    if run python3 -B "$lxnet_root/.ci/lint/$name.py"; then
      printf '%-10s ok\n' "$name"
    else
      printf '%-10s FAILED: %s\n' "$name" "$(lint_summary "$name")"
      failed+=("$name")
    fi
  done
  if ((${#failed[@]})); then
    say "Failed: ${failed[*]}"
    return 1
  fi
}
