// Answers that were recorded on Linux: rows of text, compiled into the test. The same run compares or records.
//
// Rows of IPv6 that say what IPv4's say are left out: "tcp6 bound" falls back on "tcp4 bound".
//
// LXNET_RECORD=FILE makes a run on Linux write the rows it saw to FILE, for the table beside the test; nothing is compared then.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace conformance {

struct RecordedRow {
  const char* subject;
  const char* call;
  const char* answer;
};

class Recorded {
 public:
  template <size_t kSize>
  explicit Recorded(const RecordedRow (&rows)[kSize]) {
    for (const RecordedRow& row : rows) rows_[{row.subject, row.call}] = row.answer;
    if (const char* path = getenv("LXNET_RECORD")) {
      file_ = fopen(path, "a");
      rows_.clear();
    }
  }

  void check(const std::string& subject, const std::string& call, const std::string& answer) {
    const std::string fallback = of_v4(subject);
    if (file_ != nullptr) {
      if (fallback != subject && rows_[{fallback, call}] == answer) return;
      rows_[{subject, call}] = answer;
      fprintf(file_, "{\"%s\", \"%s\", \"%s\"},\n", subject.c_str(), call.c_str(), answer.c_str());
      fflush(file_);
      return;
    }
    auto row = rows_.find({subject, call});
    if (row == rows_.end()) row = rows_.find({fallback, call});
    if (row == rows_.end()) {
      ADD_FAILURE() << subject << ", " << call << ": not in the table; the answer was " << answer;
    } else {
      EXPECT_EQ(answer, row->second) << subject << ", " << call;
    }
  }
  size_t size() const { return rows_.size(); }
  bool is_recording() const { return file_ != nullptr; }

 private:
  static std::string of_v4(std::string subject) {
    const size_t at = subject.find("6 ");
    if (at != std::string::npos && at <= 4) subject[at] = '4';
    return subject;
  }

  std::map<std::pair<std::string, std::string>, std::string> rows_;
  FILE* file_ = nullptr;
};

}  // namespace conformance
