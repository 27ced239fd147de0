#include "trace_diff/call_compare.hh"

#include <algorithm>

#include "trace_diff/place.hh"
#include "trace_diff/text.hh"

namespace lxnet::trace {
namespace {

class Comparison {
 public:
  Comparison(const CallRules& rules, const ParsedCall& a, const ParsedCall& b, Identities& identities, Bijection& files)
      : rules_(rules), a_(a), b_(b), identities_(identities), files_(files) {}

  std::vector<Difference> run() {
    identities_.tick++;
    compare_outcome();
    // What a failed call left in its outputs says nothing that the error does not.
    bool has_failed = !a_.call.error.empty() || !b_.call.error.empty();
    ValueIndex a = a_.call.arguments, b = b_.call.arguments;
    for (int argument = 0; a != kNoValue && b != kNoValue; argument++) {
      argument_ = argument;
      is_output_ = rules_.is_output(argument);
      if (!is_output_ || !has_failed) compare_at(a, b, {.argument = argument}, {.argument = argument}, "");
      a = a_.tree.at(a).next;
      b = b_.tree.at(b).next;
    }
    if ((a == kNoValue) != (b == kNoValue)) add(DivergenceClass::Input, "number of arguments", a_.call.text, b_.call.text);
    if (!has_failed) compare_notes();
    std::stable_sort(found_.begin(), found_.end(), [](const Difference& x, const Difference& y) { return x.which < y.which; });
    if (!has_failed && a_.call.name == "close") forget_descriptor();
    return std::move(found_);
  }

 private:
  void add(DivergenceClass which, std::string place, std::string_view a, std::string_view b) {
    found_.push_back({which, std::move(place), std::string(a), std::string(b)});
  }

  void compare_outcome() {
    if (a_.call.error != b_.call.error) {
      auto describe = [](const ParsedCall& side) {
        return side.call.error.empty() ? cat("success, ", side.tree.at(side.call.result).text) : std::string(side.call.error);
      };
      add(DivergenceClass::Errno, "return", describe(a_), describe(b_));
      return;
    }
    argument_ = kReturn;
    is_output_ = true;
    Place place{.argument = kReturn};
    compare(a_.call.result, b_.call.result, find_rule(rules_, a_.tree, a_.call, place, ""), place, place, "");
  }

  void compare_notes() {
    argument_ = kReturn;
    is_output_ = is_in_note_ = true;
    ValueIndex a = a_.call.note, b = b_.call.note;
    for (; a != kNoValue && b != kNoValue; a = a_.tree.at(a).next, b = b_.tree.at(b).next) {
      compare_at(a, b, {.argument = kReturn}, {.argument = kReturn}, "");
    }
    if (a != kNoValue) differ(a_.tree.at(a).text, "", "");
    if (b != kNoValue) differ("", b_.tree.at(b).text, "");
  }

  // A value with a name, or an argument.
  void compare_at(ValueIndex a, ValueIndex b, Place in_a, Place in_b, const std::string& path) {
    std::string_view key = a_.tree.at(a).key;
    if (key != b_.tree.at(b).key) return differ(key, b_.tree.at(b).key, path);
    std::string inner = key.empty() ? path : path.empty() ? std::string(key) : cat(path, ".", key);
    compare(a, b, find_rule(rules_, a_.tree, a_.call, in_a, key), in_a, in_b, inner);
  }

  void compare(ValueIndex a, ValueIndex b, const Rule* rule, Place in_a, Place in_b, const std::string& path) {
    if (rule != nullptr && rule->kind == RuleKind::Ignore) return;
    a = undecorated(a_.tree, a);
    b = undecorated(b_.tree, b);
    const Value& x = a_.tree.at(a);
    const Value& y = b_.tree.at(b);
    if (rule != nullptr && compare_identity(*rule, a, b, path)) return;
    // 28 and [28 => 16] are not the same; [28] and [28 => 28] are printed alike by strace itself.
    if (x.kind != y.kind) return differ(x.text, y.text, path);
    switch (x.kind) {
      case ValueKind::Word:
        if (x.text != y.text && !(is_address(x.text) && is_address(y.text))) differ(x.text, y.text, path);
        break;
      case ValueKind::String:
        if (!same_string(x, y)) differ(x.text, y.text, path, true);
        break;
      case ValueKind::Call:
        if (x.text != y.text) return differ(x.text, y.text, path);
        [[fallthrough]];
      case ValueKind::Struct:
      case ValueKind::Array:
      case ValueKind::Change:
        if (x.kind == ValueKind::Struct) in_a.parent = a, in_b.parent = b;
        compare_children(x, y, rule, in_a, in_b, path);
        break;
      case ValueKind::Decorated:
        break;  // undecorated above
    }
  }

  void compare_children(const Value& x, const Value& y, const Rule* rule, Place in_a, Place in_b, const std::string& path) {
    ValueIndex a = x.first, b = y.first;
    for (; a != kNoValue && b != kNoValue; a = a_.tree.at(a).next, b = b_.tree.at(b).next) {
      if (a_.tree.at(a).key.empty() && b_.tree.at(b).key.empty()) {
        compare(a, b, rule, in_a, in_b, path);
      } else {
        compare_at(a, b, in_a, in_b, path);
      }
    }
    bool is_cut = x.is_cut || y.is_cut;
    if ((a == kNoValue) != (b == kNoValue) && !is_cut) differ(x.text, y.text, path);
    if (x.is_negated != y.is_negated) differ(x.text, y.text, path);
  }

  // True when the rule settled it.
  bool compare_identity(const Rule& rule, ValueIndex a, ValueIndex b, const std::string& path) {
    int64_t x = 0, y = 0;
    if (!number_of(a_.tree, a, x) || !number_of(b_.tree, b, y)) return false;
    bool is_same = true;
    switch (rule.kind) {
      case RuleKind::Fd:
        is_same = same_descriptor(x, y);
        break;
      case RuleKind::NewFd:
        is_same = (x < 0) == (y < 0);
        if (x >= 0 && y >= 0) files_.bind(x, y, identities_.tick);
        break;
      case RuleKind::Pid:
        // 0, -1 and small negative numbers have meanings of their own.
        is_same = x <= 1 || y <= 1 ? x == y : identities_.pids.match(x, y, identities_.tick);
        break;
      case RuleKind::Port:
        is_same = is_ephemeral(x) && is_ephemeral(y) ? identities_.ports.match(x, y, identities_.tick) : x == y;
        break;
      case RuleKind::Time:
        // A program computes what is left of its patience.
        is_same = x == y || (x > 0 && y > 0);
        break;
      case RuleKind::Id:
        is_same = identities_.others.match(x, y, identities_.tick);
        break;
      default:
        return false;
    }
    if (!is_same) differ(cat(x), cat(y), path);
    return true;
  }

  bool same_descriptor(int64_t x, int64_t y) {
    if (x < 0 || y < 0) return x == y;
    if (files_.match(x, y, identities_.tick)) return true;
    if (x != y) return false;
    files_.bind(x, y, identities_.tick);  // closed and opened again by what is not traced, exec for one
    return true;
  }

  void forget_descriptor() {
    int64_t x = 0, y = 0;
    if (a_.call.arguments == kNoValue || b_.call.arguments == kNoValue) return;
    if (number_of(a_.tree, a_.call.arguments, x) && number_of(b_.tree, b_.call.arguments, y)) files_.forget(x, y);
  }

  static bool same_string(const Value& x, const Value& y) {
    if (!x.is_cut && !y.is_cut) return x.text == y.text;
    size_t common = std::min(x.text.size(), y.text.size());
    return x.text.substr(0, common) == y.text.substr(0, common);
  }

  void differ(std::string_view x, std::string_view y, std::string_view path, bool is_bytes = false) {
    std::string place = argument_ == kReturn ? "return" : cat("argument ", argument_ + 1);
    if (!path.empty()) append(place, ", ", path);
    bool is_data = is_bytes && (argument_ == rules_.stream_argument || path.ends_with("iov_base"));
    bool is_result = argument_ == kReturn && !is_in_note_;
    DivergenceClass which = is_data      ? DivergenceClass::Data
                            : is_result  ? DivergenceClass::Return
                            : is_output_ ? DivergenceClass::Output
                                         : DivergenceClass::Input;
    add(which, std::move(place), x, y);
  }

  const CallRules& rules_;
  const ParsedCall& a_;
  const ParsedCall& b_;
  Identities& identities_;
  Bijection& files_;
  std::vector<Difference> found_;
  int argument_ = 0;
  bool is_output_ = false, is_in_note_ = false;
};

}  // namespace

std::vector<Difference> compare_calls(const CallRules& rules, const ParsedCall& a, const ParsedCall& b, Identities& identities,
                                      Bijection& files) {
  return Comparison(rules, a, b, identities, files).run();
}

}  // namespace lxnet::trace
