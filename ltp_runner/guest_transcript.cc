#include "ltp_runner/guest_transcript.hh"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace lxnet::ltp {

void GuestTranscript::add(absl::string_view bytes) {
  absl::StrAppend(&rest_, bytes);
  size_t begin = 0;
  for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    absl::string_view line = absl::string_view(rest_).substr(begin, end - begin);
    while (absl::ConsumeSuffix(&line, "\r")) {
    }
    add_line(line);
  }
  rest_.erase(0, begin);
}

void GuestTranscript::add_line(absl::string_view line) {
  if (absl::StrContains(line, "Kernel panic - not syncing")) has_panicked_ = true;
  // A test that ended without a newline stands before the mark.
  size_t mark = line.find(kGuestMark);
  if (mark == absl::string_view::npos) {
    if (is_in_test()) absl::StrAppend(&tests_.back().output, line, "\n");
    return;
  }
  if (mark > 0 && is_in_test()) absl::StrAppend(&tests_.back().output, line.substr(0, mark), "\n");
  std::vector<std::string> words = absl::StrSplit(line.substr(mark + kGuestMark.size()), ' ', absl::SkipEmpty());
  if (words.size() == 1 && words[0] == "done") is_done_ = true;
  if (words.size() == 2 && words[0] == "begin" && !is_in_test()) tests_.push_back({words[1], "", false, 0});
  int status;
  if (words.size() == 3 && words[0] == "end" && is_in_test() && tests_.back().name == words[1] &&
      absl::SimpleAtoi(words[2], &status)) {
    tests_.back().has_ended = true;
    tests_.back().status = status;
  }
}

}  // namespace lxnet::ltp
