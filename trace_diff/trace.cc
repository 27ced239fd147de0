#include "trace_diff/trace.hh"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "trace_diff/mapped_file.hh"
#include "trace_diff/text.hh"
#include "trace_diff/thread_tree.hh"

namespace lxnet::trace {
namespace {

constexpr size_t kLongestQuote = 120;

absl::Status malformed(const std::string& file, uint64_t line, std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(
      cat(file, ":", line, ": ", what, ": ", text.substr(0, kLongestQuote), text.size() > kLongestQuote ? "..." : ""));
}

class Loader {
 public:
  Loader(Trace& trace, std::string_view marker) : trace_(trace), marker_(marker) {}

  // `number` is the thread's when the file is one thread's (strace -ff), else 0.
  absl::Status read(const std::string& file, std::string_view text, uint32_t number) {
    uint64_t line_number = 0;
    while (!text.empty()) {
      size_t end = text.find('\n');
      // The last line of a log that was cut off has no end: it is read if it is whole.
      bool is_last = end == text.npos;
      std::string_view content = text.substr(0, end);
      text.remove_prefix(is_last ? text.size() : end + 1);
      line_number++;
      if (!marker_.empty() && !take_marked(content)) continue;
      Line line = read_line(content);
      if (line.thread == 0) line.thread = number;
      absl::Status status = take(file, line_number, line, content);
      if (!status.ok()) return status;
    }
    trace_.line_count += line_number;
    return absl::OkStatus();
  }

  absl::Status finish(const std::string& file) {
    for (const auto& [number, pending] : pending_) {
      // A call that never returned: the program was killed, or the log ends here.
      trace_.joined.push_back(cat(trace_.events[pending].text, ") = ?"));
      trace_.events[pending].text = trace_.joined.back();
    }
    if (trace_.events.empty()) {
      return absl::InvalidArgumentError(cat(file, ": there is no line of a strace log in it"));
    }
    return absl::OkStatus();
  }

 private:
  // What stands behind the marker; a console ends its lines with \r\n.
  bool take_marked(std::string_view& content) const {
    size_t at = content.find(marker_);
    if (at == content.npos) return false;
    content.remove_prefix(at + marker_.size());
    while (content.ends_with('\r')) content.remove_suffix(1);
    return true;
  }

  absl::Status take(const std::string& file, uint64_t line_number, const Line& line, std::string_view content) {
    switch (line.kind) {
      case LineKind::Note:
        return absl::OkStatus();
      case LineKind::Malformed:
        return malformed(file, line_number, "not a line of strace's", content);
      case LineKind::Resumed:
        return resume(file, line_number, line, content);
      case LineKind::Call:
      case LineKind::Unfinished:
      case LineKind::Signal:
      case LineKind::Exit:
        break;
    }
    if (line.name.size() > UINT8_MAX) return malformed(file, line_number, "no call has so long a name", content);
    if (line.kind == LineKind::Call && !is_call(line.text))
      return malformed(file, line_number, "a call that cannot be read", content);
    uint32_t thread = thread_of(line.thread);
    auto index = static_cast<uint32_t>(trace_.events.size());
    Event event{.text = line.text, .time_nanos = line.time_nanos, .line = static_cast<uint32_t>(line_number), .thread = thread};
    event.kind = line.kind == LineKind::Signal ? EventKind::Signal
                 : line.kind == LineKind::Exit ? EventKind::Exit
                                               : EventKind::Call;
    event.name_length = static_cast<uint8_t>(line.name.size());
    trace_.events.push_back(event);
    trace_.threads[thread].events.push_back(index);
    if (line.kind == LineKind::Unfinished) {
      if (!pending_.emplace(line.thread, index).second) {
        return malformed(file, line_number, "this thread has a call unfinished already", content);
      }
    } else if (line.kind == LineKind::Exit) {
      forget(line.thread);
    }
    return absl::OkStatus();
  }

  absl::Status resume(const std::string& file, uint64_t line_number, const Line& line, std::string_view content) {
    auto pending = pending_.find(line.thread);
    if (pending == pending_.end()) {
      // strace was attached in the middle of this call.
      if (!numbers_.contains(line.thread)) return absl::OkStatus();
      return malformed(file, line_number, "resumes a call that was not left unfinished", content);
    }
    Event& event = trace_.events[pending->second];
    if (event.name() != line.name) return malformed(file, line_number, "resumes another call than was left unfinished", content);
    trace_.joined.push_back(cat(event.text, line.text));
    if (!is_call(trace_.joined.back())) return malformed(file, line_number, "a call that cannot be read", content);
    event.text = trace_.joined.back();
    pending_.erase(pending);
    return absl::OkStatus();
  }

  bool is_call(std::string_view text) {
    Call call;
    return parse_call(text, scratch_, call);
  }

  uint32_t thread_of(uint32_t number) {
    auto [entry, is_new] = numbers_.try_emplace(number, static_cast<uint32_t>(trace_.threads.size()));
    if (is_new) trace_.threads.push_back({.number = number});
    return entry->second;
  }

  void forget(uint32_t number) {
    auto pending = pending_.find(number);
    if (pending != pending_.end()) {
      trace_.joined.push_back(cat(trace_.events[pending->second].text, ") = ?"));
      trace_.events[pending->second].text = trace_.joined.back();
      pending_.erase(pending);
    }
    numbers_.erase(number);
  }

  Trace& trace_;
  std::string_view marker_;  // of lines that count; empty: all do
  ValueTree scratch_;
  absl::flat_hash_map<uint32_t, uint32_t> numbers_;  // thread number -> the life that has it now
  absl::flat_hash_map<uint32_t, uint32_t> pending_;  // thread number -> event whose second half is to come
};

// Several files have no common order but time; without times each thread follows the one before.
void order_by_time(Trace& trace) {
  std::vector<uint32_t> order(trace.events.size());
  for (uint32_t i = 0; i < order.size(); i++) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return trace.events[a].time_nanos < trace.events[b].time_nanos; });
  std::vector<Event> sorted;
  sorted.reserve(order.size());
  for (Thread& thread : trace.threads) thread.events.clear();
  for (uint32_t index : order) {
    trace.threads[trace.events[index].thread].events.push_back(static_cast<uint32_t>(sorted.size()));
    sorted.push_back(trace.events[index]);
  }
  trace.events = std::move(sorted);
}

}  // namespace

absl::StatusOr<Trace> read_trace(std::string name, std::string_view text, std::string_view marker) {
  Trace trace;
  trace.name = std::move(name);
  Loader loader(trace, marker);
  absl::Status status = loader.read(trace.name, text, 0);
  if (status.ok()) status = loader.finish(trace.name);
  if (!status.ok()) return status;
  build_thread_tree(trace);
  return trace;
}

absl::StatusOr<Trace> load_trace(const std::string& path, std::string_view marker) {
  Trace trace;
  trace.name = path;
  Loader loader(trace, marker);
  absl::StatusOr<std::vector<TraceFile>> files = map_trace_files(path);
  if (!files.ok()) return files.status();
  for (TraceFile& file : *files) {
    trace.mappings.push_back(file.content);
    absl::Status status = loader.read(file.path, *file.content, file.thread);
    if (!status.ok()) return status;
  }
  absl::Status status = loader.finish(path);
  if (!status.ok()) return status;
  if (files->size() > 1) order_by_time(trace);
  build_thread_tree(trace);
  return trace;
}

}  // namespace lxnet::trace
