// One test on Linux and on lxnet, side by side.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "ltp_runner/ltp_output.hh"
#include "ltp_runner/process.hh"

namespace lxnet::ltp {

struct TestRun {
  ProcessResult process;
  LtpOutput output;
};

enum class Verdict : uint8_t {
  Same,
  Better,    // more passes on lxnet than on Linux
  Worse,     // fewer passes, more failures, or an end that Linux's run had not: a TCONF where Linux passes is worse, not a pass
  Waiting,   // worse, as its suite says it would be
  Excluded,  // not run
};
absl::string_view verdict_name(Verdict verdict);

struct Comparison {
  Verdict verdict = Verdict::Same;
  std::string why;         // in words, when worse or better
  std::string difference;  // the first differing result line of both, when worse
};

// Never Waiting or Excluded: those are the suite's words.
Comparison compare(const TestRun& linux_run, const TestRun& lxnet_run);

}  // namespace lxnet::ltp
