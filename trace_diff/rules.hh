// What a value in a call means, so that two runs can be compared: which numbers are descriptors, ports or processes, which
// arguments the kernel writes, what is time. Rules are text (see builtin_rules.cc, printed by --print-rules); users add their
// own.
//
//   KIND CALL[,CALL...] PLACE [if MEMBER=VALUE]
//
// PLACE is an argument's number from 0, `return`, or `.member`: a member of that name at any depth.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace lxnet::trace {

enum class RuleKind : uint8_t {
  Fd,      // a descriptor in use
  NewFd,   // a descriptor that the call makes
  Pid,     // a process or thread
  Port,    // equal, or both ephemeral and always the same pair
  Id,      // any number that is only compared for being the same again: inodes, cookies
  Ignore,  // never compared: times, what depends on memory addresses
  Time,    // how long to wait: zero, for ever, or some time
  Output,  // written by the kernel
  Input,   // data of a stream that the program gives: writes may be cut differently
  Stream,  // data of a stream that the kernel gives: reads may be cut differently
  Wait,    // CALL only waits: repeating it is no difference when what follows is none (no PLACE)
  Skip,    // CALL is not compared (no PLACE)
};

inline constexpr int kReturn = -1;
inline constexpr int kAnyPlace = -2;

struct Rule {
  RuleKind kind;
  int argument = kAnyPlace;  // or kReturn
  std::string member;        // empty: the argument itself and what it consists of
  std::string if_member, if_value;
};

// The rules of one call.
struct CallRules {
  std::vector<const Rule*> at;  // those with a place
  bool is_skipped = false, is_wait = false;
  int stream_argument = kAnyPlace;  // its buffer, when it moves a stream
  bool stream_is_input = false;
  bool is_output(int argument) const;
};

class RuleSet {
 public:
  RuleSet();  // the built-in ones
  RuleSet(const RuleSet&) = delete;
  // Adds rules; the error names the line.
  absl::Status add(std::string_view name, std::string_view text);
  absl::Status add_file(const std::string& path);
  // Cached by name, which must outlive the set.
  const CallRules& of(std::string_view call) const;

 private:
  absl::Status add_line(std::string_view line);
  CallRules collect(std::string_view call) const;

  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::pair<std::string, const Rule*>> by_call_;
  mutable absl::flat_hash_map<std::string, std::unique_ptr<CallRules>> cache_;
};

std::string_view builtin_rules();

}  // namespace lxnet::trace
