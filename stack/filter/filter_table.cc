#include "stack/filter/filter_table.hh"

namespace lxnet {
namespace {

bool agrees_in_words(const uint32_t (&address)[4], const uint32_t (&mask)[4], const uint32_t (&wanted)[4]) {
  uint32_t difference = 0;
  for (size_t i = 0; i < 4; ++i) difference |= (address[i] & mask[i]) ^ wanted[i];
  return difference == 0;
}

bool agrees_in_name(const char (&name)[Interface::kNameSize], const char (&mask)[Interface::kNameSize],
                    const char (&wanted)[Interface::kNameSize]) {
  int difference = 0;
  for (size_t i = 0; i < sizeof name; ++i) difference |= (name[i] ^ wanted[i]) & mask[i];
  return difference == 0;
}

bool is_inverted(const FilterRule& rule, FilterInversion what) { return (rule.inverted & what) != 0; }

// ip_packet_match(): fragments are asked for last.
bool agrees_v4(const FilterRule& rule, const FilterPacket& packet) {
  if (rule.protocol != 0 && (packet.protocol == rule.protocol) == is_inverted(rule, kInvertProtocol)) return false;
  const bool is_wrong_part = rule.later_fragments && packet.fragment_offset == 0;
  return is_wrong_part == is_inverted(rule, kInvertFragment);
}

// ip6_packet_match(): a rule for all protocols may still want that there is one.
bool agrees_v6(const FilterRule& rule, FilterPacket& packet) {
  if (!rule.looks_behind) return true;
  if (!packet.find_transport()) return false;
  if (packet.protocol == rule.protocol) return !is_inverted(rule, kInvertProtocol);
  return rule.protocol == 0 || is_inverted(rule, kInvertProtocol);
}

}  // namespace

Result<Ref<FilterTable>> FilterTable::create(const Hal& hal, Parts&& parts) {
  return make_ref<FilterTable>(hal, hal, std::move(parts));
}

void FilterTable::destroy(FilterTable* table) {
  const Hal& hal = table->hal_;
  dispose(hal, table);
}

bool FilterTable::agrees(const FilterRule& rule, FilterPacket& packet) {
  if (agrees_in_words(packet.source, rule.source_mask, rule.source) == is_inverted(rule, kInvertSource)) return false;
  if (agrees_in_words(packet.destination, rule.destination_mask, rule.destination) == is_inverted(rule, kInvertDestination))
    return false;
  if (agrees_in_name(packet.input_name, rule.input_mask, rule.input_name) == is_inverted(rule, kInvertInput)) return false;
  if (agrees_in_name(packet.output_name, rule.output_mask, rule.output_name) == is_inverted(rule, kInvertOutput)) return false;
  if (!(packet.family == IpFamily::V4 ? agrees_v4(rule, packet) : agrees_v6(rule, packet))) return false;
  for (uint32_t i = 0; i < rule.match_count; ++i) {
    FilterMatch& match = parts_.matches[rule.first_match + i];
    if (!match.kind->matches(packet, match)) return false;
  }
  return true;
}

// The rules were checked: no jump leads out of the array, none in circles, and no chain runs past its end. That walks end all the
// same, whatever is wrong, is what the first line is for.
FilterVerdict FilterTable::walk(FilterPacket& packet) {
  const auto hook = static_cast<size_t>(packet.hook);
  const size_t size = packet.packet.size();
  uint32_t at = parts_.entry[hook];
  size_t depth = 0;
  while (at < parts_.rules.size() && !packet.is_broken) {
    FilterRule& rule = parts_.rules[at];
    if (!agrees(rule, packet)) {
      ++at;
      continue;
    }
    ++rule.counters.packets;
    rule.counters.bytes += size;
    switch (rule.action) {
      case FilterRule::Action::Verdict:
        return rule.verdict;
      case FilterRule::Action::Error:
        return FilterVerdict::Drop;
      case FilterRule::Action::Return:
        at = depth == 0 ? parts_.underflow[hook] : parts_.jumps[--depth] + 1;
        continue;
      case FilterRule::Action::Jump:
        // Nothing is to be remembered of a jump to the next rule.
        if (rule.next != at + 1) {
          if (depth == parts_.jumps.size()) return FilterVerdict::Drop;
          parts_.jumps[depth++] = at;
        }
        at = rule.next;
        continue;
      case FilterRule::Action::Goto:
        at = rule.next;
        continue;
      case FilterRule::Action::Extension:
        switch (rule.target->apply(packet, bytes().subspan(rule.target_data, rule.target->shape.size))) {
          case TargetKind::Step::Accept:
            return FilterVerdict::Accept;
          case TargetKind::Step::Drop:
            return FilterVerdict::Drop;
          case TargetKind::Step::Continue:
            break;
        }
        ++at;
        continue;
    }
  }
  return FilterVerdict::Drop;
}

}  // namespace lxnet
