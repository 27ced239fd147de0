// What a guest said on its serial console. Its init marks where tests begin and end; between the marks stands what the test
// printed, perhaps with the kernel's own messages.
//
//   @@ltp begin accept01
//   accept01.c:87: TPASS: …
//   @@ltp end accept01 0
//   @@ltp done
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lxnet::ltp {

inline constexpr absl::string_view kGuestMark = "@@ltp ";

class GuestTranscript {
 public:
  struct Test {
    std::string name;
    std::string output;
    bool has_ended = false;
    int status = 0;  // as the guest's shell says it
  };

  // The next bytes, cut anywhere.
  void add(absl::string_view bytes);

  const std::vector<Test>& tests() const { return tests_; }
  bool is_done() const { return is_done_; }
  bool has_panicked() const { return has_panicked_; }
  // The last test, while it runs.
  bool is_in_test() const { return !tests_.empty() && !tests_.back().has_ended; }

 private:
  void add_line(absl::string_view line);

  std::string rest_;  // of a line whose end has not come
  std::vector<Test> tests_;
  bool is_done_ = false;
  bool has_panicked_ = false;
};

}  // namespace lxnet::ltp
