// Setting and showing tunables by name.
//
// As in Linux a list is stored number by number, so that what stands before a wrong one has been set; ranges with a rule of their
// own are taken whole or not at all.
#include "stack/tunables.hh"

#include "stack/congestion_tunables.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/stack.hh"
#include "stack/tunable_rows.hh"
#include "stack/tunable_text.hh"

namespace lxnet {

void NumberReader::skip_space() {
  while (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r' || *at_ == '\v' || *at_ == '\f') ++at_;
}

namespace {

int digit_of(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return 16;
}

}  // namespace

Result<int64_t> NumberReader::next() {
  const bool is_negative = *at_ == '-';
  if (is_negative) ++at_;
  int base = 10;
  if (at_[0] == '0' && (at_[1] | 0x20) == 'x' && digit_of(at_[2]) < 16) {
    base = 16;
    at_ += 2;
  } else if (*at_ == '0') {
    base = 8;
  }
  if (digit_of(*at_) >= base) return Errno::EINVAL;
  int64_t value = 0;
  for (; digit_of(*at_) < base; ++at_) {
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit_of(*at_), &value))
      return Errno::EINVAL;
  }
  const char* end = at_;
  skip_space();
  if (*at_ != 0 && at_ == end) return Errno::EINVAL;
  return is_negative ? -value : value;
}

void TextWriter::put_number(int64_t number) {
  char digits[20];
  size_t count = 0;
  uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (number < 0) put('-');
  while (count != 0) put(digits[--count]);
}

namespace {

bool is_separator(char character) { return character == '.' || character == '/'; }

bool is_same_name(const char* a, const char* b) {
  for (; *a != 0 && (*a == *b || (is_separator(*a) && is_separator(*b))); ++a, ++b) {
  }
  return *a == *b;
}

const TunableRow* find_row(const char* name) {
  for (const TunableRow& row : kTunableRows) {
    if (is_same_name(row.name, name)) return &row;
  }
  return nullptr;
}

// "net.ipv4.conf.eth0.rp_filter" taken apart. An interface's name may hold dots itself.
struct InterfaceName {
  const InterfaceTunableRow* row = nullptr;
  char interface[Interface::kNameSize] = {};
};

bool split_name(const char* name, const InterfaceTunableRow& row, char (&interface)[Interface::kNameSize]) {
  const char* folder = row.folder;
  while (*folder != 0 && (*folder == *name || (is_separator(*folder) && is_separator(*name)))) ++folder, ++name;
  if (*folder != 0 || !is_separator(*name)) return false;
  const char* begin = ++name;
  const char* last = nullptr;
  for (; *name != 0; ++name) {
    if (is_separator(*name)) last = name;
  }
  if (last == nullptr || !is_same_name(last + 1, row.name)) return false;
  const auto size = static_cast<size_t>(last - begin);
  if (size == 0 || size >= Interface::kNameSize) return false;
  for (size_t i = 0; i < size; ++i) interface[i] = begin[i];
  interface[size] = 0;
  return true;
}

InterfaceName find_interface_row(const char* name) {
  InterfaceName found;
  for (const InterfaceTunableRow& row : kInterfaceTunableRows) {
    if (!split_name(name, row, found.interface)) continue;
    found.row = &row;
    return found;
  }
  return found;
}

int32_t* setting_at(InterfaceSettings& settings, const InterfaceTunableRow& row) {
  return reinterpret_cast<int32_t*>(reinterpret_cast<char*>(&settings) + row.offset);
}

bool is_forwarding_of_v6(const InterfaceTunableRow& row) {
  return row.offset == offsetof(InterfaceSettings, v6) + offsetof(Ipv6Settings, forwarding);
}

// The number `all`, `default` or an interface has. Null: no such interface. `keep` holds it alive.
int32_t* find_setting(Stack& stack, const InterfaceName& name, Ref<Interface>& keep) {
  InterfaceRegistry& registry = stack.interfaces();
  if (is_same_name(name.interface, "all")) return setting_at(registry.settings_of_all(), *name.row);
  if (is_same_name(name.interface, "default")) return setting_at(registry.settings_of_default(), *name.row);
  keep = registry.find(name.interface);
  return keep ? setting_at(keep->settings(), *name.row) : nullptr;
}

void store(int32_t& word, int64_t value) { __atomic_store_n(&word, static_cast<int32_t>(value), __ATOMIC_RELAXED); }

// `all` of a row that is each interface's own, of those to come too.
void write_to_each(Stack& stack, const InterfaceTunableRow& row, int64_t value) {
  InterfaceRegistry& registry = stack.interfaces();
  store(*setting_at(registry.settings_of_default(), row), value);
  for (Ref<Interface> at = registry.find_next(0); at; at = registry.find_next(at->index())) {
    store(*setting_at(at->settings(), row), value);
  }
}

int32_t* values_at(TunableValues& values, const TunableRow& row) {
  return reinterpret_cast<int32_t*>(reinterpret_cast<char*>(&values) + row.offset);
}

bool is_range_taken(const TunableRow& row, const TunableValues& values, const int64_t (&numbers)[3], unsigned count) {
  switch (row.rule) {
    case TunableRule::PortRange:
      return count == 2 && numbers[0] <= numbers[1] && numbers[0] >= values.ip_unprivileged_port_start;
    case TunableRule::HighThreshold:
      return numbers[0] >= *(values_at(const_cast<TunableValues&>(values), row) + 1);
    case TunableRule::LowThreshold:
      return numbers[0] >= 0 && numbers[0] <= *(values_at(const_cast<TunableValues&>(values), row) - 1);
    default:
      return true;
  }
}

// net.ipv4.ip_forward and its like speak for every interface there is and those to come.
void follow(Stack& stack, const TunableRow& row, int32_t value) {
  if (row.rule != TunableRule::Forwarding4 && row.rule != TunableRule::Forwarding6) return;
  InterfaceRegistry& registry = stack.interfaces();
  const auto apply = [&](InterfaceSettings& settings) {
    store(row.rule == TunableRule::Forwarding4 ? settings.v4.forwarding : settings.v6.forwarding, value);
  };
  apply(registry.settings_of_all());
  apply(registry.settings_of_default());
  for (Ref<Interface> at = registry.find_next(0); at; at = registry.find_next(at->index())) {
    apply(at->settings());
    stack.memberships().follow_forwarding(*at);
  }
}

// What is no number.
bool is_text(TunableRule rule) { return rule >= TunableRule::FirstText; }

Result<> set_text(Stack& stack, TunableRule rule, const char* text) {
  switch (rule) {
    case TunableRule::FastOpenKey:
      stack.tcp().fast_open().set_keys(TRY(FastOpenKeys::parse(text)));
      return ok();
    case TunableRule::Congestion:
      return set_default_congestion(stack.tcp(), text);
    case TunableRule::AllowedCongestion:
      return set_allowed_congestion(stack.tcp(), text);
    default:
      return Errno::EPERM;
  }
}

void write_text(Stack& stack, TunableRule rule, TextWriter& writer) {
  ConnectionTracker* tracker = nullptr;
  switch (rule) {
    case TunableRule::FastOpenKey:
      return stack.tcp().fast_open().keys().print([&writer](char character) { writer.put(character); });
    case TunableRule::Congestion:
      return write_congestion(stack.tcp(), CongestionNames::Default, writer);
    case TunableRule::AvailableCongestion:
      return write_congestion(stack.tcp(), CongestionNames::Available, writer);
    case TunableRule::AllowedCongestion:
      return write_congestion(stack.tcp(), CongestionNames::Allowed, writer);
    case TunableRule::Connections:
      tracker = stack.connections().tracker();
      return writer.put_number(tracker == nullptr ? 0 : static_cast<int64_t>(tracker->table().count()));
    default:
      return;
  }
}

Result<> set_row(Stack& stack, TunableValues& values, const TunableRow& row, const char* text) {
  if (is_text(row.rule)) return set_text(stack, row.rule, text);
  int64_t numbers[3] = {};
  int32_t* words = values_at(values, row);
  const bool is_taken_whole = row.rule == TunableRule::PortRange || row.rule == TunableRule::GroupRange;
  unsigned count = 0;
  NumberReader reader(text);
  for (; count < row.count && !reader.is_at_end(); ++count) {
    numbers[count] = TRY(reader.next());
    if (row.rule == TunableRule::Unsigned) {
      if (numbers[count] < 0 || numbers[count] > UINT32_MAX) return Errno::EINVAL;
    } else if (numbers[count] < row.min || numbers[count] > row.max) {
      return Errno::EINVAL;
    }
    if (!is_taken_whole && !is_range_taken(row, values, numbers, count + 1)) return Errno::EINVAL;
    if (!is_taken_whole) store(words[count], numbers[count]);
  }
  if (count == 0) return ok();
  if (row.rule == TunableRule::GroupRange) {
    if (count == 1) numbers[1] = words[1];
    count = 2;
    if (numbers[1] < numbers[0]) numbers[0] = 1, numbers[1] = 0;  // nobody, in the one form that is shown
  }
  if (is_taken_whole) {
    if (!is_range_taken(row, values, numbers, count)) return Errno::EINVAL;
    for (unsigned i = 0; i < count; ++i) store(words[i], numbers[i]);
  }
  follow(stack, row, static_cast<int32_t>(numbers[0]));
  stack.routes().bump_generation();
  return ok();
}

}  // namespace

Result<> Tunables::set(const char* name, const char* text) {
  const TunableRow* row = find_row(name);
  if (row != nullptr) return set_row(stack_, values_, *row, text);
  const InterfaceName split = find_interface_row(name);
  if (split.row == nullptr) return Errno::ENOENT;
  Ref<Interface> keep;
  int32_t* word = find_setting(stack_, split, keep);
  if (word == nullptr) return Errno::ENOENT;
  NumberReader reader(text);
  if (reader.is_at_end()) return ok();
  const int64_t number = TRY(reader.next());
  if (number < split.row->min || number > split.row->max) return Errno::EINVAL;
  store(*word, number);
  if (keep && is_forwarding_of_v6(*split.row)) stack_.memberships().follow_forwarding(*keep);
  if (split.row->all == InterfaceTunableRow::All::IsWrittenToEach && is_same_name(split.interface, "all")) {
    write_to_each(stack_, *split.row, number);
  }
  stack_.routes().bump_generation();
  return ok();
}

Result<size_t> Tunables::get(const char* name, std::span<char> out) const {
  TextWriter writer(out);
  const TunableRow* row = find_row(name);
  if (row != nullptr && is_text(row->rule)) {
    write_text(stack_, row->rule, writer);
  } else if (row != nullptr) {
    const int32_t* words = values_at(const_cast<TunableValues&>(values_), *row);
    for (unsigned i = 0; i < row->count; ++i) {
      if (i != 0) writer.put('\t');
      const int32_t value = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
      writer.put_number(row->rule == TunableRule::Unsigned ? int64_t{static_cast<uint32_t>(value)} : int64_t{value});
    }
  } else {
    const InterfaceName split = find_interface_row(name);
    Ref<Interface> keep;
    const int32_t* word = split.row == nullptr ? nullptr : find_setting(stack_, split, keep);
    if (word == nullptr) return Errno::ENOENT;
    writer.put_number(__atomic_load_n(word, __ATOMIC_RELAXED));
  }
  writer.put('\n');
  return writer.finish();
}

}  // namespace lxnet
