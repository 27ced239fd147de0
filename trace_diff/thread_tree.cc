#include "trace_diff/thread_tree.hh"
#include "trace_diff/text.hh"

#include <charconv>

#include "absl/container/flat_hash_map.h"

namespace lxnet::trace {
namespace {

struct Birth {
  uint32_t event = 0;
  uint32_t number = 0;  // what the call returned; 0 when it failed or never did
  bool shares_files = false;
  uint32_t child = kNoThread;
};

bool read_birth(const Trace& trace, uint32_t index, ValueTree& tree, Birth& birth) {
  Call call;
  if (!parse_call(trace.events[index].text, tree, call) || call.result == kNoValue) return false;
  const Value* result = &tree.at(call.result);
  if (result->kind == ValueKind::Decorated) result = &tree.at(result->first);
  birth.event = index;
  std::string_view text = result->text;
  std::from_chars(text.data(), text.data() + text.size(), birth.number);
  birth.shares_files = trace.events[index].text.find("CLONE_FILES") != std::string_view::npos;
  // `?`: the thread ended in the call, and its child may live.
  return birth.number != 0 || text == "?";
}

// A number may be used again, so a birth belongs to the first life of its number that begins after it began. Where the numbers
// are of another pid namespace than strace's own, the orphans are given to the births that found no child, in order.
void find_children(const Trace& trace, std::vector<Birth>& births) {
  absl::flat_hash_map<uint32_t, std::vector<uint32_t>> lives;
  std::vector<bool> has_parent(trace.threads.size(), false);
  has_parent[0] = true;
  for (uint32_t thread = 1; thread < trace.threads.size(); thread++) lives[trace.threads[thread].number].push_back(thread);
  for (Birth& birth : births) {
    auto found = lives.find(birth.number);
    if (found == lives.end()) continue;
    for (uint32_t thread : found->second) {
      if (has_parent[thread] || trace.threads[thread].events.front() < birth.event) continue;
      birth.child = thread;
      has_parent[thread] = true;
      break;
    }
  }
  size_t next = 0;
  for (uint32_t thread = 1; thread < trace.threads.size(); thread++) {
    if (has_parent[thread]) continue;
    while (next < births.size() && births[next].child != kNoThread) next++;
    if (next == births.size()) return;
    if (births[next].event < trace.threads[thread].events.front()) births[next].child = thread;
  }
}

}  // namespace

bool starts_thread(std::string_view name) { return name == "clone" || name == "clone3" || name == "fork" || name == "vfork"; }

void build_thread_tree(Trace& trace) {
  ValueTree tree;
  std::vector<Birth> births;
  for (uint32_t index = 0; index < trace.events.size(); index++) {
    Birth birth;
    if (starts_thread(trace.events[index].name()) && read_birth(trace, index, tree, birth)) births.push_back(birth);
  }
  find_children(trace, births);
  trace.threads[0].path = "main";
  // In the order of births a parent has its path before its children ask for it.
  std::vector<uint32_t> children(trace.threads.size(), 0);
  for (const Birth& birth : births) {
    if (birth.child == kNoThread) continue;
    Thread& child = trace.threads[birth.child];
    child.parent = trace.events[birth.event].thread;
    child.shares_files = birth.shares_files;
    child.path = cat(trace.threads[child.parent].path, "/", ++children[child.parent]);
  }
  uint32_t strangers = 0;  // strace was attached to them, or their birth was not traced
  for (Thread& thread : trace.threads) {
    if (thread.path.empty()) thread.path = cat("main+", ++strangers);
  }
}

}  // namespace lxnet::trace
