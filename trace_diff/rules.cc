#include "trace_diff/rules.hh"
#include "trace_diff/text.hh"

#include <fstream>
#include <sstream>

namespace lxnet::trace {
namespace {

struct KindName {
  std::string_view name;
  RuleKind kind;
  bool has_place;
};
constexpr KindName kKinds[] = {
    {"fd", RuleKind::Fd, true},         {"newfd", RuleKind::NewFd, true},   {"pid", RuleKind::Pid, true},
    {"port", RuleKind::Port, true},     {"id", RuleKind::Id, true},         {"ignore", RuleKind::Ignore, true},
    {"time", RuleKind::Time, true},     {"output", RuleKind::Output, true}, {"input", RuleKind::Input, true},
    {"stream", RuleKind::Stream, true}, {"wait", RuleKind::Wait, false},    {"skip", RuleKind::Skip, false},
};

absl::Status read_place(std::string_view place, Rule& rule) {
  size_t dot = place.find('.');
  std::string_view argument = place.substr(0, dot);
  if (dot != place.npos) {
    rule.member = std::string(place.substr(dot + 1));
    if (rule.member.empty()) return absl::InvalidArgumentError("a member's name is missing behind the dot");
  }
  if (argument == "return") {
    rule.argument = kReturn;
  } else if (!argument.empty() && (!read_number(argument, rule.argument) || rule.argument < 0 || rule.argument > 15)) {
    return absl::InvalidArgumentError(cat("'", place, "' is no place: an argument's number, return, or .member"));
  } else if (argument.empty() && rule.member.empty()) {
    return absl::InvalidArgumentError("the place is empty");
  }
  return absl::OkStatus();
}

}  // namespace

bool CallRules::is_output(int argument) const {
  for (const Rule* rule : at) {
    if (rule->argument != argument || !rule->member.empty()) continue;
    if (rule->kind == RuleKind::Output || rule->kind == RuleKind::Stream) return true;
  }
  return argument == kReturn;
}

RuleSet::RuleSet() {
  absl::Status status = add("built-in rules", builtin_rules());
  if (!status.ok()) abort();  // a test reads them too
}

absl::Status RuleSet::add(std::string_view name, std::string_view text) {
  int number = 0;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    number++;
    line = line.substr(0, line.find('#'));
    absl::Status status = add_line(line);
    if (!status.ok()) return absl::InvalidArgumentError(cat(name, ":", number, ": ", std::string(status.message())));
  }
  cache_.clear();
  return absl::OkStatus();
}

absl::Status RuleSet::add_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(cat("cannot read the rules in '", path, "'"));
  std::ostringstream text;
  text << file.rdbuf();
  return add(path, text.str());
}

absl::Status RuleSet::add_line(std::string_view line) {
  std::vector<std::string_view> words = split(line, " \t");
  if (words.empty()) return absl::OkStatus();
  const KindName* kind = nullptr;
  for (const KindName& candidate : kKinds) {
    if (candidate.name == words[0]) kind = &candidate;
  }
  if (kind == nullptr) {
    std::string names;
    for (const KindName& candidate : kKinds) append(names, names.empty() ? "" : ", ", candidate.name);
    return absl::InvalidArgumentError(cat("there is no kind of rule '", words[0], "'; the kinds are ", names));
  }
  size_t wanted = kind->has_place ? 3 : 2;
  bool has_condition = words.size() == wanted + 2 && words[wanted] == "if";
  if (words.size() != wanted && !has_condition) {
    return absl::InvalidArgumentError(cat("a rule '", kind->name, "' is written: ", kind->name, " CALL[,CALL...]",
                                          kind->has_place ? " PLACE [if MEMBER=VALUE]" : ""));
  }
  auto rule = std::make_unique<Rule>(Rule{.kind = kind->kind, .member = {}, .if_member = {}, .if_value = {}});
  if (kind->has_place) {
    absl::Status status = read_place(words[2], *rule);
    if (!status.ok()) return status;
  }
  if (has_condition) {
    std::string_view condition = words[wanted + 1];
    size_t equals = condition.find('=');
    if (equals == condition.npos) return absl::InvalidArgumentError("a condition is written: if MEMBER=VALUE");
    rule->if_member = std::string(condition.substr(0, equals));
    rule->if_value = std::string(condition.substr(equals + 1));
  }
  for (std::string_view call : split(words[1], ",")) by_call_.emplace_back(std::string(call), rule.get());
  rules_.push_back(std::move(rule));
  return absl::OkStatus();
}

const CallRules& RuleSet::of(std::string_view call) const {
  auto found = cache_.find(absl::string_view(call.data(), call.size()));
  if (found == cache_.end()) found = cache_.emplace(std::string(call), std::make_unique<CallRules>(collect(call))).first;
  return *found->second;
}

// Later rules come first, so that a user's rule for a place wins over the built-in one.
CallRules RuleSet::collect(std::string_view call) const {
  CallRules result;
  for (auto entry = by_call_.rbegin(); entry != by_call_.rend(); ++entry) {
    if (entry->first != call && entry->first != "*") continue;
    const Rule* rule = entry->second;
    result.is_skipped |= rule->kind == RuleKind::Skip;
    result.is_wait |= rule->kind == RuleKind::Wait;
    if (rule->kind == RuleKind::Skip || rule->kind == RuleKind::Wait) continue;
    if (rule->kind == RuleKind::Input || rule->kind == RuleKind::Stream) {
      result.stream_argument = rule->argument;
      result.stream_is_input = rule->kind == RuleKind::Input;
    }
    result.at.push_back(rule);
  }
  return result;
}

}  // namespace lxnet::trace
