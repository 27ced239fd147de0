// What the filter's tests share: tables made of rules in code, and packets of bytes.
#pragma once

#include <vector>

#include "stack/filter/filter_table.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"
#include "tests/support/test_stack.hh"

namespace lxnet::testing {

using Bytes = std::vector<uint8_t>;

// A rule for every packet.
inline FilterRule verdict(FilterVerdict verdict) {
  FilterRule rule;
  rule.action = FilterRule::Action::Verdict;
  rule.verdict = verdict;
  return rule;
}
inline FilterRule jump(uint32_t to, FilterRule::Action how = FilterRule::Action::Jump) {
  FilterRule rule;
  rule.action = how;
  rule.next = to;
  return rule;
}
inline FilterRule returns() {
  FilterRule rule;
  rule.action = FilterRule::Action::Return;
  return rule;
}

class FilterBench : public ::testing::Test {
 protected:
  // INPUT begins at the first rule; `underflow` is its policy.
  Ref<FilterTable> table(const std::vector<FilterRule>& rules, uint32_t underflow, size_t chains = 4) {
    FilterTable::Parts parts;
    parts.rules = HeapArray<FilterRule>::create(hal(), rules.size()).take();
    for (size_t i = 0; i < rules.size(); ++i) parts.rules[i] = rules[i];
    parts.jumps = HeapArray<uint32_t>::create(hal(), chains).take();
    parts.underflow[kIn] = underflow;
    parts.hooks = hook_bit(FilterHook::LocalIn);
    return FilterTable::create(hal(), std::move(parts)).take();
  }
  // One rule with one match, which accepts; and a policy of Drop.
  template <typename Settings>
  Ref<FilterTable> table_of(const char* match, uint8_t revision, const Settings& settings, FilterRule rule, IpFamily family) {
    FilterTable::Parts parts;
    const auto* kind = find_match(family, match, revision).take();
    parts.bytes = HeapArray<uint8_t>::create(hal(), kind->shape.size).take();
    copy_bytes({parts.bytes.data(), parts.bytes.size()}, bytes_of(settings));
    parts.matches = HeapArray<FilterMatch>::create(hal(), 1).take();
    parts.matches[0].kind = kind;
    parts.matches[0].data = {parts.bytes.data(), parts.bytes.size()};
    Entry entry(*bench.stack);
    if (kind->prepare != nullptr) kind->prepare(entry, parts.matches[0], {parts.bytes.data(), parts.bytes.size()});
    rule.action = FilterRule::Action::Verdict;
    rule.verdict = FilterVerdict::Accept;
    rule.match_count = 1;
    parts.rules = HeapArray<FilterRule>::create(hal(), 2).take();
    parts.rules[0] = rule;
    parts.rules[1] = verdict(FilterVerdict::Drop);
    parts.underflow[kIn] = 1;
    parts.hooks = hook_bit(FilterHook::LocalIn);
    return FilterTable::create(hal(), std::move(parts)).take();
  }

  struct Walk {
    FilterVerdict verdict;
    bool is_broken;
    uint32_t mark;
    int answer;
  };
  Walk walk(FilterTable& table, const Bytes& bytes, IpFamily family = IpFamily::V4) {
    Entry entry(*bench.stack);
    Ref<Packet> packet = Packet::create(bench.stack->pool()).take();
    const size_t linear = std::min<size_t>(bytes.size(), family == IpFamily::V4 ? 20 : 40);
    copy_bytes(packet->append(linear), bytes);
    // The rest lies in a block of its own: nothing may take it for linear.
    Ref<DataBlock> block = DataBlock::create(bench.stack->pool(), bytes.size() + 1).take();
    if (bytes.size() > linear) {
      std::copy(bytes.begin() + static_cast<long>(linear), bytes.end(), block->bytes());
      EXPECT_TRUE(packet->append_fragment(block, 0, static_cast<uint32_t>(bytes.size() - linear)).is_ok());
    }
    packet->mark_network_header();
    FilterPacket seen(entry, *packet, family, FilterHook::LocalIn, nullptr, nullptr);
    const FilterVerdict verdict = table.walk(seen);
    return {verdict, seen.is_broken, packet->mark, seen.answer};
  }
  FilterVerdict verdict_of(FilterTable& table) { return walk(table, v4(17, Bytes(8))).verdict; }

  static Bytes v4(uint8_t protocol, const Bytes& payload, uint16_t fragment = 0) {
    Bytes bytes(20);
    bytes[0] = 0x45;
    bytes[3] = static_cast<uint8_t>(20 + payload.size());
    bytes[6] = static_cast<uint8_t>(fragment >> 8);
    bytes[7] = static_cast<uint8_t>(fragment);
    bytes[8] = 64;
    bytes[9] = protocol;
    bytes[12] = bytes[16] = 10;
    bytes[15] = 1;
    bytes[19] = 2;
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }
  static Bytes v6(uint8_t next, const Bytes& payload) {
    Bytes bytes(40);
    bytes[0] = 0x60;
    bytes[5] = static_cast<uint8_t>(payload.size());
    bytes[6] = next;
    bytes[7] = 64;
    bytes[23] = bytes[39] = 1;
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }
  static uint64_t packets(const FilterTable& table, size_t rule) { return table.counters_of(rule).packets; }
  const Hal& hal() { return bench.stack->hal(); }

  static constexpr size_t kIn = static_cast<size_t>(FilterHook::LocalIn);
  TestStack bench;
};

}  // namespace lxnet::testing
