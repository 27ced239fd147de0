// Every byte of a table turned into others, one at a time: what is refused, and how. The answers were recorded on Linux.
#include "tests/conformance/filter/narrow.hh"
#include "tests/conformance/filter/nat_rules.hh"
#include "tests/conformance/recorded.hh"

namespace conformance {
namespace {

constexpr RecordedRow kRows[] = {
#include "tests/conformance/filter/blob_answers.inc"
};

Recorded& recorded() {
  static Recorded table(kRows);
  return table;
}

char letter_of(long answered) {
  switch (answered) {
    case 0:
      return '.';
    case -EINVAL:
      return 'i';
    case -ENOENT:
      return 'n';
    case -ELOOP:
      return 'l';
    case -EAGAIN:
      return 'a';
    case -ENOMEM:
      return 'm';
    case -EPROTOTYPE:
      return 'p';
    case -ERANGE:
      return 'r';
    case -EFAULT:
      return 'f';
    default:
      return '?';
  }
}

// "iii..": "i3.2".
std::string short_form(const std::string& letters) {
  std::string text;
  for (size_t at = 0; at < letters.size();) {
    size_t end = at;
    while (end < letters.size() && letters[end] == letters[at]) ++end;
    text += letters[at];
    if (end - at > 1) text += std::to_string(end - at);
    at = end;
  }
  return text;
}

std::string limit(unsigned average, unsigned burst) {
  if (abi() == Abi::Wide) return extension("limit", 0, bytes(std::array<unsigned, 10>{average, burst}));
  // As it is read back, too: 32,000 credits a second.
  const unsigned cost = average * 32 / 10;
  return extension("limit", 0, bytes(std::array<unsigned, 7>{average, burst, 0, 0, cost * burst, cost}));
}
template <typename Family>
std::string icmp_echo() {
  const bool is_v4 = Family::kFamily == AF_INET;
  return extension(is_v4 ? "icmp" : "icmp6", 0, std::string(is_v4 ? "\x08\x00\xff\x00" : "\x80\x00\xff\x00", 4));
}
std::string multiport() {
  std::string data(48, '\0');
  data[0] = 1;  // destinations
  data[1] = 2;
  data[2] = 80;
  data[4] = 90;
  return extension("multiport", 1, data);
}

// The table ends with its error entry, and the counters of what it replaces go to `pointer` of a narrow program.
template <typename Table, typename Rule>
std::string end_image(Table& table, const Rule& last, unsigned counters, unsigned pointer) {
  table.add(last);
  table.head().size = table.at();
  table.head().num_counters = counters;
  std::string head = bytes(table.head());
  if (abi() == Abi::Narrow) {
    memcpy(head.data() + 88, &pointer, sizeof pointer);
    head.resize(92);
  } else {
    static xt_counters room[64];
    const auto address = reinterpret_cast<uintptr_t>(room);
    memcpy(head.data() + 88, &address, sizeof address);
  }
  return head + table.entries();
}

// Some of everything. Jumps lead to `chain`, which comes out as where the chain is.
template <typename Family>
std::string make_image(unsigned& chain, unsigned counters, unsigned pointer) {
  using Rule = conformance::Rule<Family>;
  Table<Family> table("filter");
  table.hook(NF_INET_LOCAL_IN,
             {Rule(IPPROTO_UDP, to_udp_port(7, 9), verdict(kDrop)), Rule(0, limit(100, 5), verdict(static_cast<int>(chain)))});
  table.hook(NF_INET_FORWARD);
  Rule leaves(IPPROTO_TCP, multiport(), verdict(static_cast<int>(chain)));
  Family::set_goto(leaves.entry);
  const unsigned reset = Family::kFamily == AF_INET ? 7 : 6;
  table.hook(NF_INET_LOCAL_OUT, {leaves, Rule(IPPROTO_TCP, "", reject(reset)), Rule(0, has_mark(3), set_mark(4))});
  const int icmp = Family::kFamily == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  chain = table.chain("chain", {Rule(icmp, icmp_echo<Family>(), verdict(kAccept))});
  return end_image(table, Rule(error_target()), counters, pointer);
}

constexpr unsigned kCountersAt = NarrowMemory::kSize / 2;

template <typename Family>
class Replacer {
 public:
  explicit Replacer(int fd, const char* table = "filter") : fd_(fd), table_(table) {}

  // With the number of rules that there are now.
  std::string image() {
    if (image_.empty()) {
      unsigned chain = 1;
      make_image<Family>(chain, 1, 0);
      image_ = make_image<Family>(chain, 0, memory_.address(kCountersAt));
    }
    const unsigned counters = Table<Family>::info_of(fd_, table_).num_entries;
    memcpy(image_.data() + offsetof(typename Family::Replace, num_counters), &counters, sizeof counters);
    return image_;
  }
  long replace(const std::string& text) {
    const auto size = static_cast<unsigned>(text.size());
    if (abi() == Abi::Wide) return answer(::setsockopt(fd_, Family::kLevel, IPT_SO_SET_REPLACE, text.data(), size));
    memcpy(memory_.bytes(), text.data(), text.size());
    return setsockopt32(fd_, Family::kLevel, IPT_SO_SET_REPLACE, memory_.address(), size);
  }

  // The rules as a program of the same kind reads them; "" when it cannot.
  std::string read() {
    if (abi() == Abi::Wide) return Table<Family>::read(fd_, table_);
    char* bytes = memory_.bytes();
    // Of names the kernel writes no more than there is.
    memset(bytes, 0, NarrowMemory::kSize);
    const auto ask = [&](int name, unsigned size) {
      memset(bytes, 0, 32);
      strcpy(bytes, table_);
      memcpy(bytes + kCountersAt, &size, sizeof size);
      return getsockopt32(fd_, Family::kLevel, name, memory_.address(), memory_.address(kCountersAt)) == 0;
    };
    if (!ask(IPT_SO_GET_INFO, 84)) return "";
    unsigned size;
    memcpy(&size, bytes + 80, sizeof size);
    memcpy(bytes + 32, &size, sizeof size);
    return ask(IPT_SO_GET_ENTRIES, 36 + size) ? std::string(bytes + 36, size) : "";
  }

  unsigned counters_address() const { return memory_.address(kCountersAt); }

 private:
  int fd_;
  const char* table_;
  NarrowMemory memory_;
  std::string image_;
};

template <typename Family>
void turn_every_byte(int fd, const char* subject) {
  Replacer<Family> replacer(fd);
  const std::string first = replacer.image();
  ASSERT_EQ(replacer.replace(first), 0);
  const size_t pointer_at = 88, pointer_end = abi() == Abi::Wide ? 96 : 92;
  for (const int value : {0x00, 0x01, 0x08, 0xff, -1}) {
    std::string letters;
    for (size_t at = 0; at < first.size(); ++at) {
      if (at >= pointer_at && at < pointer_end) continue;
      std::string turned = replacer.image();
      turned[at] = static_cast<char>(value == -1 ? turned[at] ^ 0x20 : value);
      letters += letter_of(replacer.replace(turned));
    }
    recorded().check(subject, "each byte " + (value == -1 ? std::string("other") : std::to_string(value)), short_form(letters));
  }
}

// Sixteen bits at a time: sizes and offsets.
template <typename Family>
void turn_every_number(int fd, const char* subject) {
  Replacer<Family> replacer(fd);
  for (const int step : {-4, 4, 0x7fff}) {
    std::string letters;
    const size_t begin = abi() == Abi::Wide ? 96 : 92;
    for (size_t at = begin; at + 2 <= replacer.image().size(); at += 2) {
      std::string turned = replacer.image();
      uint16_t number;
      memcpy(&number, turned.data() + at, sizeof number);
      number = static_cast<uint16_t>(number + step);
      memcpy(turned.data() + at, &number, sizeof number);
      letters += letter_of(replacer.replace(turned));
    }
    recorded().check(subject, "each number " + std::to_string(step), short_form(letters));
  }
}

template <typename Family>
void cut_it_short(int fd, const char* subject) {
  Replacer<Family> replacer(fd);
  std::string letters;
  for (size_t size = 0; size <= replacer.image().size(); ++size)
    letters += letter_of(replacer.replace(replacer.image().substr(0, size)));
  recorded().check(subject, "cut short", short_form(letters));
  letters.clear();
  // And the size in the head says so too.
  const std::string whole = replacer.image();
  const size_t head = abi() == Abi::Wide ? 96 : 92;
  for (size_t size = head; size <= whole.size(); ++size) {
    std::string shorter = replacer.image().substr(0, size);
    const auto entries = static_cast<unsigned>(size - head);
    memcpy(shorter.data() + 40, &entries, sizeof entries);
    letters += letter_of(replacer.replace(shorter));
  }
  recorded().check(subject, "shorter", short_form(letters));
}

// A program that speaks to one family is enough for most of it; the layouts differ.
void turn_everything(Abi as, const char* subject4, const char* subject6) {
  abi() = as;
  with_filter([&](int fd) {
    turn_every_byte<V4>(fd, subject4);
    turn_every_number<V4>(fd, subject4);
    cut_it_short<V4>(fd, subject4);
    const Fd fd6(::socket(AF_INET6, SOCK_DGRAM, 0));
    turn_every_number<V6>(fd6, subject6);
  });
  abi() = Abi::Wide;
}

TEST(FilterBlob, WhateverIsTurnedIsAnsweredAsOnLinux) { turn_everything(Abi::Wide, "wide", "wide v6"); }

TEST(FilterBlob, WhateverA32BitProgramTurnsIsAnsweredAsOnLinux) {
  if (!has_narrow()) GTEST_SKIP() << "there are no 32-bit programs";
  turn_everything(Abi::Narrow, "narrow", "narrow v6");
}

// What the kernel fills in: where a rule can be reached from, and counters.
template <typename Family>
std::string without_own(std::string text) {
  const size_t target_at = Family::kFamily == AF_INET ? 88 : 140, counters_at = Rule<Family>::head_size() - 16;
  for (size_t at = 0; at + Rule<Family>::head_size() <= text.size();) {
    uint16_t next;
    memcpy(&next, text.data() + at + target_at + 2, sizeof next);
    memset(text.data() + at + target_at + 4, 0, 4);
    memset(text.data() + at + counters_at, 0, 16);
    if (next == 0) break;
    at += next;
  }
  return text;
}

template <typename Family>
void expect_read_back(int fd, Abi written, Abi read) {
  abi() = written;
  Replacer<Family> replacer(fd);
  ASSERT_EQ(replacer.replace(replacer.image()), 0);
  abi() = read;
  Replacer<Family> reader(fd);
  const std::string image = reader.image().substr(read == Abi::Wide ? 96 : 92);
  EXPECT_TRUE(without_own<Family>(reader.read()) == without_own<Family>(image)) << Family::kFamily << int(written) << int(read);
  abi() = Abi::Wide;
}

TEST(FilterBlob, RulesAreReadBackInTheLayoutOfWhoReads) {
  with_filter([](int fd) {
    const Fd fd6(::socket(AF_INET6, SOCK_DGRAM, 0));
    for (const Abi written : {Abi::Wide, Abi::Narrow}) {
      for (const Abi read : {Abi::Wide, Abi::Narrow}) {
        if (!has_narrow() && (written == Abi::Narrow || read == Abi::Narrow)) continue;
        expect_read_back<V4>(fd, written, read);
        expect_read_back<V6>(fd6, written, read);
      }
    }
  });
}

// What knows of connections, in the table that is about them.
std::string make_nat_image(unsigned pointer, unsigned counters) {
  xt_conntrack_mtinfo3 asks{};
  asks.match_flags = XT_CONNTRACK_STATE;
  asks.state_mask = 0x1fe;
  // Every byte of a structure is compared, its padding too.
  xt_connmark_mtinfo1 mark;
  memset(&mark, 0, sizeof mark);
  mark.mask = 2;
  xt_connmark_tginfo2 mark_target;
  memset(&mark_target, 0, sizeof mark_target);
  mark_target.ctmask = 3;
  const auto range = nat_range("10.0.0.1", "10.0.0.9", 1000, 2000);
  const std::string match = extension("conntrack", 3, bytes(asks)) + in_state(kNew4);
  Table4 table("nat");
  table.hook(kPre, {Rule4(IPPROTO_TCP, match, dnat(range)),
                    Rule4(IPPROTO_TCP, "", old_target("REDIRECT", nat_range(nullptr, nullptr, 1, 2)))});
  table.hook(kIn, {Rule4(IPPROTO_TCP, "", extension("SNAT", 1, bytes(range).substr(0, 40)))});
  table.hook(
      kOut, {Rule4(IPPROTO_TCP, extension("connmark", 1, bytes(mark)), old_target("NETMAP", nat_range("10.0.0.1", "10.0.0.9")))});
  table.hook(kPost, {Rule4(IPPROTO_TCP, "", old_target("SNAT", range)), Rule4(extension("CONNMARK", 2, bytes(mark_target)))});
  return end_image(table, Rule4(error_target()), counters, pointer);
}

TEST(FilterBlob, RulesOfConnectionsAreReadBackInTheLayoutOfWhoReads) {
  with_filter([](int fd) {
    for (const Abi written : {Abi::Wide, Abi::Narrow}) {
      for (const Abi read : {Abi::Wide, Abi::Narrow}) {
        if (!has_narrow() && (written == Abi::Narrow || read == Abi::Narrow)) continue;
        abi() = written;
        Replacer<V4> writer(fd, "nat");
        const unsigned rules = Table4::info_of(fd, "nat").num_entries;
        ASSERT_EQ(writer.replace(make_nat_image(writer.counters_address(), rules)), 0) << int(written);
        abi() = read;
        Replacer<V4> reader(fd, "nat");
        const std::string image = make_nat_image(0, 0).substr(read == Abi::Wide ? 96 : 92);
        EXPECT_TRUE(without_own<V4>(reader.read()) == without_own<V4>(image)) << int(written) << int(read);
        abi() = Abi::Wide;
      }
    }
  });
}

}  // namespace
}  // namespace conformance
