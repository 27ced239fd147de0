// A strace log in memory: its events by thread, in order, with the halves of interrupted lines joined.
//
// The files are mapped, and an event is a reference into them: a million lines cost some 40 bytes each besides the page cache.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "trace_diff/line.hh"

namespace lxnet::trace {

enum class EventKind : uint8_t { Call, Signal, Exit };

struct Event {
  std::string_view text;  // of a call from its name on
  int64_t time_nanos = -1;
  uint32_t line = 0;  // from 1, in its file
  uint32_t thread = 0;
  EventKind kind = EventKind::Call;
  uint8_t name_length = 0;
  std::string_view name() const { return text.substr(0, name_length); }
};

inline constexpr uint32_t kNoThread = UINT32_MAX;

// One life of a thread number.
struct Thread {
  uint32_t number = 0;
  uint32_t parent = kNoThread;
  bool shares_files = false;          // with its parent: CLONE_FILES
  std::string path = {};              // "main", "main/2": its second child, "main/2/1"; numbers differ between runs, paths do not
  std::vector<uint32_t> events = {};  // indexes into Trace::events, in order
};

struct Trace {
  std::string name;           // for messages: the file
  std::vector<Event> events;  // in the order of their beginnings
  std::vector<Thread> threads;
  uint64_t line_count = 0;
  std::vector<std::shared_ptr<const std::string_view>> mappings;
  std::deque<std::string> joined;  // lines that were printed in two halves
};

// `path` is a file, or the prefix of the files that strace -ff wrote (PATH.123). With a marker only what stands behind it in its
// line is read, as a kernel's console has other lines too. The error names the line.
absl::StatusOr<Trace> load_trace(const std::string& path, std::string_view marker = {});
// The same from memory, for tests and fuzzing; `text` must outlive the trace.
absl::StatusOr<Trace> read_trace(std::string name, std::string_view text, std::string_view marker = {});

}  // namespace lxnet::trace
