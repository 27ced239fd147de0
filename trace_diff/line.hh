// One line of a strace log: who and when, and what: a call, half of one, a signal, an end.
#pragma once

#include <cstdint>
#include <string_view>

#include "trace_diff/value.hh"

namespace lxnet::trace {

enum class LineKind : uint8_t {
  Call,        // name(arguments) = result
  Unfinished,  // name(arguments <unfinished ...>
  Resumed,     // <... name resumed>rest
  Signal,      // --- SIGCHLD {...} ---
  Exit,        // +++ exited with 0 +++, +++ killed by SIGKILL +++
  Note,        // what strace says about itself; carries nothing
  Malformed,
};

struct Line {
  LineKind kind = LineKind::Malformed;
  uint32_t thread = 0;      // as strace numbers it; 0 when the log does not say
  int64_t time_nanos = -1;  // -1 when the log does not say
  std::string_view name;    // of the call
  std::string_view text;    // without the prefix: a call from its name on; the arguments' rest of a Resumed
};

Line read_line(std::string_view line);

inline constexpr int64_t kNoDuration = -1;

// A whole call. It cites `text` and `tree`.
struct Call {
  std::string_view name;
  std::string_view text;
  ValueIndex arguments = kNoValue;  // the first
  ValueIndex result = kNoValue;     // `?` is a Word
  std::string_view error;           // ECONNRESET
  ValueIndex note = kNoValue;       // the first of what stands in parentheses behind the result, when it is not an error's text
  int64_t duration_nanos = kNoDuration;
};

// How long the call took (strace -T), from its text alone.
int64_t duration_of(std::string_view text);

// False when the text is not a call.
bool parse_call(std::string_view text, ValueTree& tree, Call& call);

}  // namespace lxnet::trace
