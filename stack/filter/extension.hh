// Extensions: what a rule may ask beyond addresses, and do beyond verdicts. One row each in extensions.cc.
//
// Their settings are Linux's structures, byte for byte, because programs write them and read them back. A row says how large they
// are, what of them a program gets back, where and for which protocol they may stand, and what makes them wrong.
#pragma once

#include <span>

#include "base/bytes.hh"
#include "base/result.hh"
#include "stack/filter/filter_packet.hh"

namespace lxnet {

inline constexpr uint8_t kFilterV4 = 1, kFilterV6 = 2;
constexpr uint8_t family_bit(IpFamily family) { return family == IpFamily::V4 ? kFilterV4 : kFilterV6; }

// The rule that an extension is to stand in.
struct RuleFacts {
  Entry& entry;
  IpFamily family;
  uint8_t hooks;  // from which it can be reached
  uint16_t protocol;
  bool asks_protocol;  // IPv6: it does not, whatever the number, if it does not say so
  bool inverts_protocol;
};

struct MatchKind;

// One match of a rule.
struct FilterMatch {
  const MatchKind* kind = nullptr;
  ByteSpan data = {};     // its settings, in the table's bytes
  Instant last = {};      // what a match that counts remembers
  int64_t remaining = 0;  // and what it has left
};

// Which rows of its name an extension is looked for in: Linux keeps those of one family and those of any in two lists.
enum class ExtensionList : uint8_t { Family, Any };

struct ExtensionShape {
  const char* name;
  uint8_t revision = 0;
  uint8_t families = kFilterV4 | kFilterV6;
  ExtensionList list = ExtensionList::Family;
  uint16_t size = 0;
  uint16_t compat_size = 0;     // as 32-bit programs lay it out; 0: the same
  uint16_t user_size = 0;       // what a program gets back; 0: all
  uint8_t protocol = 0;         // 0: any
  uint8_t hooks = 0;            // 0: any
  const char* table = nullptr;  // null: any
  // From and to the layout of 32-bit programs, where it is not merely shorter at the end.
  void (*widen)(MutableByteSpan to, ByteSpan from) = nullptr;
  void (*narrow)(MutableByteSpan to, ByteSpan from) = nullptr;
  // Whether connections have to be followed for a rule with these settings. Null: no.
  bool (*needs_connections)(ByteSpan data) = nullptr;
  // What no rule may say. Null: anything goes.
  Result<> (*check)(const RuleFacts& rule, ByteSpan data) = nullptr;
};

struct MatchKind {
  ExtensionShape shape;
  bool (*matches)(FilterPacket& packet, FilterMatch& match);
  // Before the first packet; the settings may be completed.
  void (*prepare)(Entry& entry, FilterMatch& match, MutableByteSpan settings) = nullptr;
};

struct TargetKind {
  enum class Step : uint8_t { Continue, Accept, Drop };

  ExtensionShape shape;
  // Null: the standard target, whose data is a verdict or where to jump.
  Step (*apply)(FilterPacket& packet, ByteSpan data);
};

std::span<const MatchKind> match_kinds();
std::span<const TargetKind> target_kinds();

inline constexpr size_t kExtensionNameSize = 29;  // XT_EXTENSION_MAXNAMELEN
inline constexpr char kStandardTarget[] = "";
inline constexpr char kErrorTarget[] = "ERROR";

bool same_name(const char* left, const char* right);

// ENOENT: no such extension; EPROTOTYPE: another revision of it, among those of any family.
Result<const MatchKind*> find_match(IpFamily family, const char* name, uint8_t revision);
Result<const TargetKind*> find_target(IpFamily family, const char* name, uint8_t revision);

// The settings as they stand; T is Linux's structure. They may lie anywhere.
template <typename T>
T settings_of(ByteSpan data) {
  T settings{};
  copy_bytes(mutable_bytes_of(settings), data);
  return settings;
}

}  // namespace lxnet
