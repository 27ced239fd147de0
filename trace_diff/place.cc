#include "trace_diff/place.hh"

#include <charconv>

namespace lxnet::trace {
namespace {

constexpr size_t kAddressLength = 9;  // 0x and seven digits: flags are shorter

std::string_view text_of(const ValueTree& tree, ValueIndex index) {
  return index == kNoValue ? std::string_view() : tree.at(undecorated(tree, index)).text;
}

bool condition_holds(const Rule& rule, const ValueTree& tree, const Call& call, const Place& place) {
  if (rule.if_member.empty()) return true;
  ValueIndex subject = kNoValue;
  int argument = 0;
  auto [end, error] = std::from_chars(rule.if_member.data(), rule.if_member.data() + rule.if_member.size(), argument);
  if (error == std::errc{} && *end == '\0') {
    subject = call.arguments;
    for (; argument > 0 && subject != kNoValue; argument--) subject = tree.at(subject).next;
  } else if (place.parent != kNoValue) {
    subject = tree.find_member(place.parent, rule.if_member);
  }
  return text_of(tree, subject) == rule.if_value;
}

}  // namespace

ValueIndex undecorated(const ValueTree& tree, ValueIndex index) {
  return tree.at(index).kind == ValueKind::Decorated ? tree.at(index).first : index;
}

bool is_address(std::string_view word) {
  if (word.size() < kAddressLength || !word.starts_with("0x")) return false;
  for (char c : word.substr(2, kAddressLength - 2)) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

const Rule* find_rule(const CallRules& rules, const ValueTree& tree, const Call& call, const Place& place, std::string_view key) {
  for (const Rule* rule : rules.at) {
    if (rule->kind == RuleKind::Output || rule->kind == RuleKind::Input || rule->kind == RuleKind::Stream) continue;
    if (rule->member != key || (rule->argument != kAnyPlace && rule->argument != place.argument)) continue;
    if (condition_holds(*rule, tree, call, place)) return rule;
  }
  return nullptr;
}

bool number_of(const ValueTree& tree, ValueIndex index, int64_t& number) {
  const Value* value = &tree.at(undecorated(tree, index));
  if (value->kind == ValueKind::Call && value->first != kNoValue) value = &tree.at(value->first);
  if (value->kind != ValueKind::Word || value->text.empty()) return false;
  const char* last = value->text.data() + value->text.size();
  auto [end, error] = std::from_chars(value->text.data(), last, number);
  if (error == std::errc::result_out_of_range) {
    uint64_t large = 0;
    error = std::from_chars(value->text.data(), last, large).ec;
    number = static_cast<int64_t>(large);
  }
  return error == std::errc{} && (end == last || *end == ' ');  // `7 /* a comment */` is a number
}

}  // namespace lxnet::trace
