#include "ltp_runner/comparison.hh"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {
namespace {

bool is_crash(const ProcessResult& process) { return process.ending != Ending::Exited; }

// A test without any result of LTP's says what it thinks by its exit status.
bool says_nothing(const LtpOutput& output) { return output.counts == Counts{}; }

// Linux stopped at what it lacks, so that it does not say how much of the rest it has.
bool is_skipped(const Counts& counts) { return counts.conf > 0 && counts == Counts{.conf = counts.conf}; }

std::string count_difference(absl::string_view word, int linux_count, int lxnet_count) {
  return absl::StrCat(word, " ", linux_count, " on Linux, ", lxnet_count, " here");
}

// Empty when lxnet is not worse.
std::string why_worse(const TestRun& linux_run, const TestRun& lxnet_run) {
  const Counts &there = linux_run.output.counts, &here = lxnet_run.output.counts;
  if (is_crash(lxnet_run.process) &&
      (lxnet_run.process.ending != linux_run.process.ending || lxnet_run.process.number != linux_run.process.number)) {
    return absl::StrCat(lxnet_run.process.description(), " (Linux: ", linux_run.process.description(), ")");
  }
  if (here.pass < there.pass) return count_difference("TPASS", there.pass, here.pass);
  if (here.fail > there.fail) return count_difference("TFAIL", there.fail, here.fail);
  if (here.brok > there.brok) return count_difference("TBROK", there.brok, here.brok);
  if (here.warn > there.warn) return count_difference("TWARN", there.warn, here.warn);
  if (here.conf > there.conf && !is_skipped(there)) return count_difference("TCONF", there.conf, here.conf);
  if (says_nothing(linux_run.output) && says_nothing(lxnet_run.output) && linux_run.process.number == 0 &&
      lxnet_run.process.number != 0) {
    return absl::StrCat("exit ", lxnet_run.process.number, ", 0 on Linux");
  }
  return "";
}

std::string why_better(const TestRun& linux_run, const TestRun& lxnet_run) {
  const Counts &there = linux_run.output.counts, &here = lxnet_run.output.counts;
  if (is_crash(linux_run.process) && !is_crash(lxnet_run.process))
    return absl::StrCat("Linux: ", linux_run.process.description());
  if (here.pass > there.pass) return count_difference("TPASS", there.pass, here.pass);
  if (here.fail < there.fail) return count_difference("TFAIL", there.fail, here.fail);
  if (here.brok < there.brok) return count_difference("TBROK", there.brok, here.brok);
  return "";
}

std::string line_text(const std::vector<ResultLine>& lines, size_t index) {
  if (index >= lines.size()) return "(no more results)";
  return absl::StrCat(lines[index].where, ": ", outcome_name(lines[index].outcome), ": ", lines[index].message);
}

std::string first_difference(const LtpOutput& there, const LtpOutput& here) {
  // Outcomes first: words differ between runs for harmless reasons, outcomes do not.
  size_t both = std::min(there.results.size(), here.results.size());
  size_t at = 0;
  while (at < both && there.results[at].outcome == here.results[at].outcome) at++;
  if (at == both && there.results.size() == here.results.size()) {
    for (at = 0; at < both && there.results[at] == here.results[at];) at++;
    if (at == both) return "";
  }
  return absl::StrCat("Linux: ", line_text(there.results, at), "\nhere:  ", line_text(here.results, at));
}

}  // namespace

absl::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::Same:
      return "same";
    case Verdict::Better:
      return "better";
    case Verdict::Worse:
      return "worse";
    case Verdict::Waiting:
      return "waiting";
    case Verdict::Excluded:
      break;
  }
  return "excluded";
}

Comparison compare(const TestRun& linux_run, const TestRun& lxnet_run) {
  Comparison comparison;
  if (comparison.why = why_worse(linux_run, lxnet_run); !comparison.why.empty()) {
    comparison.verdict = Verdict::Worse;
    comparison.difference = first_difference(linux_run.output, lxnet_run.output);
  } else if (comparison.why = why_better(linux_run, lxnet_run); !comparison.why.empty()) {
    comparison.verdict = Verdict::Better;
  }
  return comparison;
}

}  // namespace lxnet::ltp
