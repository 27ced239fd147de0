# What every subcommand uses: messages, the options they share, the list of subcommands and the nearest word to a mistyped one.
#
# A subcommand is commands/NAME.sh with a function command_NAME. Lines that begin with "#: " are its help; the first of them is
# its summary. A line "#? PATH" says that the subcommand exists only while PATH does.

preset=""  # empty: the subcommand's own default
verbose=0
taken=0  # how many words take_common_option() used

die() {
  printf 'lxnet: %s\n' "$*" >&2
  exit 2
}

say() { printf '%s\n' "$*"; }

# Prints the command with -v, then runs it.
run() {
  if ((verbose)); then printf '+ %s\n' "$*" >&2; fi
  "$@"
}

# For a subcommand's loop: `if take_common_option "$@"; then shift "$taken"; continue; fi`.
take_common_option() {
  case $1 in
    --preset)
      if (($# < 2)); then die "--preset needs a name"; fi
      choose_preset "$2"
      taken=2
      ;;
    --preset=*)
      choose_preset "${1#*=}"
      taken=1
      ;;
    -v | --verbose)
      verbose=1
      taken=1
      ;;
    *) return 1 ;;
  esac
}

preset_names() { sed -n '/"configurePresets"/,/"buildPresets"/{/"hidden": true/d;s/.*"name": "\([^"]*\)".*/\1/p}' "$lxnet_root/CMakePresets.json"; }

choose_preset() {
  if [[ $1 == help ]]; then
    sed -n '/"configurePresets"/,/"buildPresets"/{/"hidden": true/d;s/.*"name": "\([^"]*\)".*"description": "\([^"]*\)".*/\1|\2/p}' \
      "$lxnet_root/CMakePresets.json" | while IFS='|' read -r name text; do printf '  %-20s %s\n' "$name" "$text"; done
    exit 0
  fi
  if ! is_among "$1" $(preset_names); then
    die "there is no preset '$1'$(suggest "$1" $(preset_names)) (--preset help lists them)"
  fi
  preset=$1
}

command_file() { printf '%s/commands/%s.sh' "$lxnet_root" "$1"; }

command_summary() { sed -n '/^#: /{s/^#: //p;q}' "$(command_file "$1")"; }

command_exists() {
  [[ $1 =~ ^[a-z]+$ && -f $(command_file "$1") ]] || return 1
  local needed
  needed=$(sed -n 's/^#? //p' "$(command_file "$1")")
  [[ -z $needed || -e $lxnet_root/$needed ]]
}

# In the order a newcomer needs them; what is not named here follows by the alphabet.
command_names() {
  local first="setup build test demo run net ps ss diff ltp bench fuzz lint" name file
  for name in $first; do
    if command_exists "$name"; then echo "$name"; fi
  done
  for file in "$lxnet_root"/commands/*.sh; do
    name=$(basename "$file" .sh)
    if [[ " $first " != *" $name "* ]] && command_exists "$name"; then echo "$name"; fi
  done
}

require_command() {
  if ! command_exists "$1"; then
    die "there is no command '$1'$(suggest "$1" $(command_names)) (./lxnet --help lists them)"
  fi
}

explain_command() {
  require_command "$1"
  sed -n 's/^#: \{0,1\}//p' "$(command_file "$1")"
}

# Words after "--" belong to a program that the command runs.
wants_help() {
  local word
  for word in "$@"; do
    case $word in
      --) return 1 ;;
      -h | --help) return 0 ;;
    esac
  done
  return 1
}

# is_among WORD CANDIDATE...
is_among() {
  local word=$1 candidate
  shift
  for candidate in "$@"; do
    if [[ $candidate == "$word" ]]; then return 0; fi
  done
  return 1
}

# suggest WORD CANDIDATE...: "; did you mean 'test'?" when one is near enough (a third of the word, or what it begins).
suggest() {
  printf '%s\n' "$@" | awk '
    function distance(a, b,   i, j, row, left, above, cost) {
      for (j = 0; j <= length(b); j++) row[j] = j
      for (i = 1; i <= length(a); i++) {
        above = row[0]; row[0] = i
        for (j = 1; j <= length(b); j++) {
          cost = above + (substr(a, i, 1) != substr(b, j, 1))
          above = row[j]
          left = row[j - 1] + 1
          row[j] = cost < left ? cost : left
          if (above + 1 < row[j]) row[j] = above + 1
        }
      }
      return row[length(b)]
    }
    NR == 1 { word = $0; best = 1 + int(length(word) / 3); next }
    { d = (index($0, word) == 1) ? 0 : distance(word, $0); if (d < best || (d == best && nearest == "")) { best = d; nearest = $0 } }
    END { if (nearest != "") printf "; did you mean '\''%s'\''?", nearest }'
}
