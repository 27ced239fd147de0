// How two runs can differ, and one place where they do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lxnet::trace {

enum class DivergenceClass : uint8_t { Errno, Return, Data, Output, Missing, Extra, Order, Signal, Exit, Input };
inline constexpr int kDivergenceClasses = 10;

enum class Severity : uint8_t { Serious, Minor };

struct DivergenceClassRow {
  std::string_view name, meaning;
  Severity severity;
};
// Indexed by DivergenceClass.
inline constexpr DivergenceClassRow kDivergenceClassRows[kDivergenceClasses] = {
    {"errno", "another error, or an error on one side alone", Severity::Serious},
    {"return", "another return value", Severity::Serious},
    {"data", "other bytes", Severity::Serious},
    {"output", "an argument that the kernel writes differs: an address, an option's value, control messages, events",
     Severity::Serious},
    {"missing", "a call of Linux's run has no counterpart", Severity::Serious},
    {"extra", "a call has no counterpart in Linux's run", Severity::Serious},
    {"order", "the same calls in another order", Severity::Minor},
    {"signal", "another signal, or none", Severity::Serious},
    {"exit", "a process ended in another way", Severity::Serious},
    {"input", "the program itself asked something else, mostly because of an earlier difference", Severity::Minor},
};
inline const DivergenceClassRow& row_of(DivergenceClass which) { return kDivergenceClassRows[static_cast<int>(which)]; }

inline constexpr uint32_t kNoEvent = UINT32_MAX;

struct Difference {
  DivergenceClass which;
  std::string place;  // "argument 3", "return", "argument 1, msg_flags"
  std::string linux_text, lxnet_text;
};

struct Divergence {
  DivergenceClass which;
  std::string thread;  // its path
  uint32_t linux_event = kNoEvent, lxnet_event = kNoEvent;
  std::vector<Difference> differences;  // most telling first; empty for a missing or extra call
  std::string explanation;              // why it is known; empty when it is not
};

}  // namespace lxnet::trace
