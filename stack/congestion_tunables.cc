#include "stack/congestion_tunables.hh"

#include "stack/tcp/congestion/congestion_control.hh"
#include "stack/tcp/tcp_shared.hh"
#include "stack/tunable_text.hh"

namespace lxnet {
namespace {

// proc_dostring() takes what stands before the end of the line.
bool is_line_end(char character) { return character == 0 || character == '\n'; }

std::span<const char> word_at(const char* text) {
  size_t size = 0;
  while (!is_line_end(text[size]) && text[size] != ' ') ++size;
  return {text, size};
}

}  // namespace

Result<> set_default_congestion(TcpShared& tcp, const char* text) {
  size_t size = 0;
  while (!is_line_end(text[size]) && text[size] != ' ' && text[size] != '\t') ++size;
  const CongestionAlgorithm* found = find_congestion_algorithm({text, size});
  if (found == nullptr) return Errno::ENOENT;
  __atomic_store_n(&tcp.congestion, found, __ATOMIC_RELAXED);
  __atomic_fetch_or(&tcp.allowed_congestion, congestion_bit(*found), __ATOMIC_RELAXED);
  return ok();
}

// As Linux reads it: between two names is one space, and where a second one follows the list is over.
Result<> set_allowed_congestion(TcpShared& tcp, const char* text) {
  uint32_t allowed = 0;
  for (std::span<const char> name = word_at(text); !name.empty(); name = word_at(text)) {
    const CongestionAlgorithm* found = find_congestion_algorithm(name);
    if (found == nullptr) return Errno::ENOENT;
    allowed |= congestion_bit(*found);
    text += name.size();
    if (*text == ' ') ++text;
  }
  __atomic_store_n(&tcp.allowed_congestion, allowed, __ATOMIC_RELAXED);
  return ok();
}

void write_congestion(const TcpShared& tcp, CongestionNames which, TextWriter& writer) {
  const CongestionAlgorithm* chosen = __atomic_load_n(&tcp.congestion, __ATOMIC_RELAXED);
  const uint32_t allowed = __atomic_load_n(&tcp.allowed_congestion, __ATOMIC_RELAXED);
  if (chosen == nullptr) chosen = &default_congestion_algorithm();
  bool is_first = true;
  for (const CongestionAlgorithm* algorithm : congestion_algorithms()) {
    if (which == CongestionNames::Default && algorithm != chosen) continue;
    if (which == CongestionNames::Allowed && (allowed & congestion_bit(*algorithm)) == 0) continue;
    if (!is_first) writer.put(' ');
    is_first = false;
    for (const char* at = algorithm->name; *at != 0; ++at) writer.put(*at);
  }
}

}  // namespace lxnet
