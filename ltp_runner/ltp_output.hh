// What a test printed, as results. LTP has two formats, and its tests are free to print anything between their results:
//
//   new library    accept01.c:87: TPASS: bad file descriptor successful: EBADF (9)
//   old library    in6_01      1  TPASS  :  'in6addr_any' is defined       (shell tests: one space, no second colon's space)
//
// The new library ends with a summary, which it counts across processes: it is right where lines were lost or torn.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "ltp_runner/counts.hh"

namespace lxnet::ltp {

struct ResultLine {
  Outcome outcome;
  std::string where;    // "accept01.c:87", or the old library's "in6_01 1"
  std::string message;  // without what differs from run to run: see normalised()

  bool operator==(const ResultLine&) const = default;
};

struct LtpOutput {
  Counts counts;
  std::vector<ResultLine> results;
  bool has_summary = false;
};

LtpOutput parse_ltp_output(absl::string_view text);

// The text with colours removed and numbers replaced that differ from run to run: addresses, process ids, ports, times.
std::string normalised(absl::string_view message);

// "TPASS" and the like.
absl::string_view outcome_name(Outcome outcome);

}  // namespace lxnet::ltp
