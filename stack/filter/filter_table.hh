// FilterTable: the rules of one table of one family, and the walk of a packet through them.
//
// A table is made whole by who has checked it (compat/xtables) and never changes but in its counters and in what matches
// remember; another one takes its place. Rules stand in one array, in order; chains are where jumps lead. The bytes they were
// made from stay with them: extensions read their settings there, and so does who asks for the rules.
#pragma once

#include "base/ref.hh"
#include "hal/memory.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/filter/extension.hh"
#include "stack/filter/filter_packet.hh"

namespace lxnet {

struct FilterCounters {
  uint64_t packets = 0, bytes = 0;
};

// What of a comparison is turned round: IPT_INV_*.
enum FilterInversion : uint8_t {
  kInvertInput = 0x01,
  kInvertOutput = 0x02,
  kInvertSource = 0x08,
  kInvertDestination = 0x10,
  kInvertFragment = 0x20,
  kInvertProtocol = 0x40,
};

struct FilterRule {
  enum class Action : uint8_t { Verdict, Return, Jump, Goto, Error, Extension };

  // A name or an address agrees where its mask has bits.
  uint32_t source[4] = {}, source_mask[4] = {};
  uint32_t destination[4] = {}, destination_mask[4] = {};
  char input_name[Interface::kNameSize] = {}, input_mask[Interface::kNameSize] = {};
  char output_name[Interface::kNameSize] = {}, output_mask[Interface::kNameSize] = {};
  uint16_t protocol = 0;         // 0: any
  uint8_t inverted = 0;          // FilterInversion
  bool looks_behind = false;     // IPv6: the transport's header has to be found (IP6T_F_PROTO)
  bool later_fragments = false;  // IPv4: only what is not the beginning of a packet (IPT_F_FRAG)

  Action action = Action::Verdict;
  FilterVerdict verdict = FilterVerdict::Drop;
  uint8_t hooks = 0;  // from which it can be reached
  uint32_t next = 0;  // Jump, Goto: the rule
  uint32_t first_match = 0, match_count = 0;
  const TargetKind* target = nullptr;  // Extension
  uint32_t target_data = 0;            // where its settings are in the table's bytes
  uint32_t offset = 0;                 // where the rule is
  FilterCounters counters = {};
};

class FilterTable : public RefCounted<FilterTable> {
 public:
  struct Parts {
    HeapArray<uint8_t> bytes;
    HeapArray<FilterRule> rules;
    HeapArray<FilterMatch> matches;
    HeapArray<uint32_t> jumps;                                                // room for as many as there are chains
    uint32_t entry[kFilterHookCount] = {}, underflow[kFilterHookCount] = {};  // rules
    uint8_t hooks = 0;                                                        // hook_bit() of those with rules
    ConnectionUse connections = {};                                           // while a rule needs it
  };
  // ENOMEM.
  static Result<Ref<FilterTable>> create(const Hal& hal, Parts&& parts);
  static void destroy(FilterTable* table);

  uint8_t hooks() const { return parts_.hooks; }
  std::span<const FilterRule> rules() const { return {parts_.rules.data(), parts_.rules.size()}; }
  std::span<const FilterMatch> matches() const { return {parts_.matches.data(), parts_.matches.size()}; }
  ByteSpan bytes() const { return {parts_.bytes.data(), parts_.bytes.size()}; }
  uint32_t entry_rule(size_t hook) const { return parts_.entry[hook]; }
  uint32_t underflow_rule(size_t hook) const { return parts_.underflow[hook]; }

  // ---- under the PacketFilter's lock
  FilterVerdict walk(FilterPacket& packet);
  FilterCounters& counters_of(size_t rule) { return parts_.rules[rule].counters; }
  const FilterCounters& counters_of(size_t rule) const { return parts_.rules[rule].counters; }

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  FilterTable(const Hal& hal, Parts&& parts) : hal_(hal), parts_(std::move(parts)) {}
  ~FilterTable() = default;

  bool agrees(const FilterRule& rule, FilterPacket& packet);

  const Hal& hal_;
  Parts parts_;
};

}  // namespace lxnet
