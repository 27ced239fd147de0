#include "trace_diff/fingerprint.hh"

#include "trace_diff/place.hh"

namespace lxnet::trace {
namespace {

// FNV-1a over words; no adversary chooses what is hashed against whom.
class Hash {
 public:
  void add(std::string_view text) {
    for (char c : text) add_byte(static_cast<uint8_t>(c));
    add_byte(0xff);
  }
  void add_byte(uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

class Hasher {
 public:
  Hasher(const CallRules& rules, const ValueTree& tree, const Call& call) : rules_(rules), tree_(tree), call_(call) {}

  void add(Hash& hash, ValueIndex index, Place place, const Rule* rule) {
    const Value& value = tree_.at(index);
    if (rule != nullptr && rule->kind == RuleKind::Ignore) return;
    switch (value.kind) {
      case ValueKind::Word:
        add_word(hash, value.text, rule);
        break;
      case ValueKind::String:
        hash.add(value.text);
        break;
      case ValueKind::Decorated:
        add(hash, value.first, place, rule);
        break;
      case ValueKind::Struct:
      case ValueKind::Array:
      case ValueKind::Change:
      case ValueKind::Call:
        hash.add_byte(static_cast<uint8_t>(value.kind));
        if (value.kind == ValueKind::Struct) place.parent = index;
        for (ValueIndex child = value.first; child != kNoValue; child = tree_.at(child).next) {
          std::string_view key = tree_.at(child).key;
          add(hash, child, place, key.empty() ? rule : find_rule(rules_, tree_, call_, place, key));
        }
        break;
    }
  }

 private:
  static void add_word(Hash& hash, std::string_view text, const Rule* rule) {
    int64_t number = 0;
    bool is_number = !text.empty() && text.size() < 12 && text.find_first_not_of("0123456789") == text.npos;
    if (is_number) {
      for (char c : text) number = number * 10 + (c - '0');
    }
    bool is_identity = is_number && rule != nullptr && (rule->kind != RuleKind::Port || is_ephemeral(number));
    if (is_identity) {
      hash.add_byte('#');
    } else if (is_address(text)) {
      hash.add_byte('@');
    } else {
      hash.add(text);
    }
  }

  const CallRules& rules_;
  const ValueTree& tree_;
  const Call& call_;
};

}  // namespace

Fingerprint fingerprint_of(const CallRules& rules, const ValueTree& tree, const Call& call) {
  Hasher hasher(rules, tree, call);
  Hash asked, came;
  asked.add(call.name);
  int argument = 0;
  for (ValueIndex index = call.arguments; index != kNoValue; index = tree.at(index).next, argument++) {
    Place place{.argument = argument};
    Hash& hash = rules.is_output(argument) ? came : asked;
    hasher.add(hash, index, place, find_rule(rules, tree, call, place, tree.at(index).key));
  }
  Place place{.argument = kReturn};
  hasher.add(came, call.result, place, find_rule(rules, tree, call, place, ""));
  came.add(call.error);
  for (ValueIndex index = call.note; index != kNoValue; index = tree.at(index).next) {
    hasher.add(came, index, place, find_rule(rules, tree, call, place, tree.at(index).key));
  }
  Fingerprint result;
  result.asked = asked.value();
  result.whole = (asked.value() * 0x9e3779b97f4a7c15) ^ came.value();
  return result;
}

}  // namespace lxnet::trace
