# bash completion for lxnet and lxnet-run.

_lxnet_reply() {
  mapfile -t COMPREPLY < <(compgen "$@")
}

_lxnet_networks() {
  _lxnet_reply -W "$(lxnet net list 2>/dev/null)" -- "$1"
}

# _lxnet_run FIRST: the words from FIRST on are a run's: its options until a program comes, then whatever that completes.
_lxnet_run() {
  local i word
  for ((i = $1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --) ((i++)); break ;;
      --net | --sysctl | --impair | --pcap | --strace | --host-calls) ((i++)) ;;
      -*) ;;
      *) break ;;
    esac
  done
  if ((i < COMP_CWORD)) || [[ ${COMP_WORDS[i - 1]} == -- && $i -eq $COMP_CWORD ]]; then
    if declare -F _command_offset >/dev/null; then _command_offset "$i"; else _lxnet_reply -c -- "$2"; fi
    return
  fi
  case ${COMP_WORDS[COMP_CWORD - 1]} in
    --net) _lxnet_networks "$2" ;;
    --host-calls) _lxnet_reply -W "io_uring userfaultfd io_uring,userfaultfd" -- "$2" ;;
    --pcap | --strace) _lxnet_reply -f -- "$2" ;;
    --impair) _lxnet_reply -W "delay= jitter= loss= rate= reorder= duplicate= corrupt= limit= seed=" -- "$2" ;;
    --sysctl) _lxnet_reply -W "$(cd /proc/sys && printf '%s=\n' net/ipv4/tcp_* net/ipv4/ip_* net/core/*mem* net/core/somaxconn | tr / .)" -- "$2" ;;
    *)
      case $2 in
        -*)
          _lxnet_reply -W "--net --sysctl --impair --pcap --strace --unix --host-proc --no-io-uring --landlock --host-calls --wait-all --stats -v -vv --help --" -- "$2"
          ;;
        *) _lxnet_reply -c -- "$2" ;;
      esac
      ;;
  esac
}

_lxnet() {
  local word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if [[ ${COMP_WORDS[0]##*/} == lxnet-run ]]; then
    _lxnet_run 1 "$word"
    return
  fi
  if ((COMP_CWORD == 1)); then
    _lxnet_reply -W "run net ps ss --help" -- "$word"
    return
  fi
  case ${COMP_WORDS[1]} in
    run) _lxnet_run 2 "$word" ;;
    net)
      if ((COMP_CWORD == 2)); then
        _lxnet_reply -W "list show rm" -- "$word"
      else
        _lxnet_networks "$word"
      fi
      ;;
    ps | ss)
      if [[ $word == -* ]]; then _lxnet_reply -W "--json --help" -- "$word"; else _lxnet_networks "$word"; fi
      ;;
  esac
}

complete -F _lxnet lxnet lxnet-run
