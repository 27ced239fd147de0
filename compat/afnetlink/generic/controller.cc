// "nlctrl": which families there are, what they take, and what they check (the end of net/netlink/genetlink.c,
// net/netlink/policy.c).
//
// Families do not come and go here, so the group "notify" hears nothing.
#include "compat/afnetlink/generic/generic_family.hh"

namespace lxnet {
namespace {

enum : uint8_t { kNewFamily = 1, kGetFamily = 3, kGetPolicy = 10 };  // CTRL_CMD_*
enum : uint16_t {                                                    // CTRL_ATTR_*
  kFamilyNumber = 1,
  kFamilyName = 2,
  kVersion = 3,
  kHeaderSize = 4,
  kLastAttributeOf = 5,
  kOperationsOf = 6,
  kGroupsOf = 7,
  kPolicyOf = 8,
  kOperationPolicy = 9,
  kOperationAsked = 10,
};
constexpr uint16_t kLongestName = 15;

constexpr NlaPolicy kFamilyPolicy[] = {{}, {.kind = NlaKind::U16}, {.kind = NlaKind::EndedText, .length = kLongestName}};
constexpr NlaPolicy kPolicyPolicy[kOperationAsked + 1] = {
    {}, {.kind = NlaKind::U16}, {.kind = NlaKind::EndedText, .length = kLongestName}, {}, {}, {}, {}, {}, {},
    {}, {.kind = NlaKind::U32}};

// EINVAL: it does not say which; ENOENT. Who says a number and a name means the name.
Result<const GenericFamily*> find_family(const GenericRequest& request) {
  const Nla number = request.attributes[kFamilyNumber], name = request.attributes[kFamilyName];
  if (!number && !name) return Errno::EINVAL;
  for (const GenericFamily* family : generic_families()) {
    if (name ? name.is_text(family->name) : number.as<uint16_t>() == family->number) return family;
  }
  return Errno::ENOENT;
}

uint32_t flags_of(const GenericOperation& operation) {
  constexpr uint32_t kAdministrators = 1, kDo = 2, kDump = 4, kHasPolicy = 8, kOfThisNetwork = 0x10;  // GENL_*
  uint32_t flags = 0;
  if (operation.access == GenericOperation::Access::Administrators) {
    flags |= operation.is_namespaces ? kOfThisNetwork : kAdministrators;
  }
  if (operation.handle != nullptr) flags |= kDo;
  if (operation.dump != nullptr) flags |= kDump;
  if (operation.policy != nullptr) flags |= kHasPolicy;
  return flags;
}

Result<> put_operations(NetlinkWriter& writer, const GenericFamily& family) {
  const size_t all = TRY(writer.begin_nested(kOperationsOf));
  uint16_t index = 0;
  for (const GenericOperation& operation : family.operations) {
    const size_t one = TRY(writer.begin_nested(++index));
    TRY(writer.attribute(1, uint32_t{operation.command}));
    TRY(writer.attribute(2, flags_of(operation)));
    writer.end_nested(one);
  }
  writer.end_nested(all);
  return ok();
}

Result<> put_groups(NetlinkWriter& writer, const GenericFamily& family) {
  if (family.groups.empty()) return ok();
  const size_t all = TRY(writer.begin_nested(kGroupsOf));
  uint16_t index = 0;
  for (const GenericGroup& group : family.groups) {
    const size_t one = TRY(writer.begin_nested(++index));
    TRY(writer.attribute(2, group.number));
    TRY(put_text(writer, 1, group.name));
    writer.end_nested(one);
  }
  writer.end_nested(all);
  return ok();
}

Result<> put_family(const GenericRequest& request, NetlinkWriter& writer, const GenericFamily& family) {
  TRY(request.begin(writer, kNewFamily));
  TRY(put_text(writer, kFamilyName, family.name));
  TRY(writer.attribute(kFamilyNumber, family.number));
  TRY(writer.attribute(kVersion, family.version));
  TRY(writer.attribute(kHeaderSize, uint32_t{0}));
  TRY(writer.attribute(kLastAttributeOf, family.last_attribute));
  TRY(put_operations(writer, family));
  TRY(put_groups(writer, family));
  return writer.end();
}

Result<> get_family(SyscallContext&, const GenericRequest& request, NetlinkWriter& writer) {
  return put_family(request, writer, *TRY(find_family(request)));
}

Result<> dump_families(SyscallContext&, const GenericRequest& request, NetlinkWriter& writer) {
  for (const GenericFamily* family : generic_families()) TRY(put_family(request, writer, *family));
  return ok();
}

// ---- policies: which commands check by which, and then every attribute of each

// Policies of a family by the numbers under which this dump speaks of them: in the order in which its commands use them.
class PolicyList {
 public:
  struct Policy {
    const NlaPolicy* rows;
    uint8_t last;
  };

  uint32_t number_of(const NlaPolicy* rows, uint8_t last) {
    for (uint32_t i = 0; i < count_; ++i) {
      if (policies_[i].rows == rows) return i;
    }
    if (count_ == kMost) return kMost - 1;
    policies_[count_] = {rows, last};
    return count_++;
  }
  std::span<const Policy> all() const { return {policies_, count_}; }
  // Those that stand in others' nests come behind them.
  void add_nested() {
    for (uint32_t i = 0; i < count_; ++i) {
      for (uint8_t type = 0; type <= policies_[i].last; ++type) {
        const NlaPolicy& row = policies_[i].rows[type];
        if (row.inside != nullptr) number_of(row.inside, row.inside_last);
      }
    }
  }

 private:
  static constexpr uint32_t kMost = 16;
  Policy policies_[kMost] = {};
  uint32_t count_ = 0;
};

Result<> put_operation_policy(const GenericRequest& request, NetlinkWriter& writer, const GenericFamily& family,
                              const GenericOperation& operation, uint32_t number) {
  TRY(request.begin(writer, kGetPolicy));
  TRY(writer.attribute(kFamilyNumber, family.number));
  const size_t all = TRY(writer.begin_nested(kOperationPolicy | kNestedAttribute));
  // Linux names the command that does; one that only dumps is command 0 here.
  const uint8_t named = operation.handle != nullptr ? operation.command : uint8_t{0};
  const size_t one = TRY(writer.begin_nested(named | kNestedAttribute));
  if (operation.handle != nullptr) TRY(writer.attribute(1, number));
  if (operation.dump != nullptr && operation.checks_dump) TRY(writer.attribute(2, number));
  writer.end_nested(one);
  writer.end_nested(all);
  return writer.end();
}

// NL_POLICY_TYPE_ATTR_*.
enum : uint16_t { kType = 1, kLeastValue = 4, kMostValue = 5, kLeastLength = 6, kMostLength = 7, kInside = 8, kLastInside = 9 };

Result<> put_range(NetlinkWriter& writer, uint64_t most) {
  TRY(writer.attribute(kLeastValue, uint64_t{0}));
  return writer.attribute(kMostValue, most);
}

Result<> put_rule(NetlinkWriter& writer, const NlaPolicy& row, PolicyList& list) {
  enum : uint32_t { kU8 = 2, kU16, kU32, kU64, kBinary = 10, kText, kEndedText, kNested, kArray };  // NL_ATTR_TYPE_*
  switch (row.kind) {
    case NlaKind::U8:
      TRY(put_range(writer, UINT8_MAX));
      return writer.attribute(kType, uint32_t{kU8});
    case NlaKind::U16:
      TRY(put_range(writer, UINT16_MAX));
      return writer.attribute(kType, uint32_t{kU16});
    case NlaKind::U32:
      TRY(put_range(writer, UINT32_MAX));
      return writer.attribute(kType, uint32_t{kU32});
    case NlaKind::U64:
      TRY(put_range(writer, UINT64_MAX));
      return writer.attribute(kType, uint32_t{kU64});
    case NlaKind::Exact:
      TRY(writer.attribute(kLeastLength, uint32_t{row.length}));
      [[fallthrough]];
    case NlaKind::Binary:
      TRY(writer.attribute(kMostLength, uint32_t{row.length}));
      return writer.attribute(kType, uint32_t{kBinary});
    case NlaKind::Text:
    case NlaKind::EndedText:
      if (row.length != 0) TRY(writer.attribute(kMostLength, uint32_t{row.length}));
      return writer.attribute(kType, uint32_t{row.kind == NlaKind::Text ? kText : kEndedText});
    case NlaKind::Nested:
    case NlaKind::Array:
      if (row.inside != nullptr) {
        TRY(writer.attribute(kInside, list.number_of(row.inside, row.inside_last)));
        TRY(writer.attribute(kLastInside, uint32_t{row.inside_last}));
      }
      return writer.attribute(kType, uint32_t{row.kind == NlaKind::Nested ? kNested : kArray});
    case NlaKind::Any:
    case NlaKind::Refused:
      break;
  }
  return ok();
}

Result<> put_policy(const GenericRequest& request, NetlinkWriter& writer, const GenericFamily& family, uint16_t number,
                    PolicyList& list) {
  const PolicyList::Policy policy = list.all()[number];
  for (uint16_t type = 1; type <= policy.last; ++type) {
    const NlaKind kind = policy.rows[type].kind;
    if (kind == NlaKind::Any || kind == NlaKind::Refused) continue;
    TRY(request.begin(writer, kGetPolicy));
    TRY(writer.attribute(kFamilyNumber, family.number));
    const size_t all = TRY(writer.begin_nested(kPolicyOf | kNestedAttribute));
    const size_t one = TRY(writer.begin_nested(number | kNestedAttribute));
    const size_t rule = TRY(writer.begin_nested(type | kNestedAttribute));
    TRY(put_rule(writer, policy.rows[type], list));
    writer.end_nested(rule);
    writer.end_nested(one);
    writer.end_nested(all);
    TRY(writer.end());
  }
  return ok();
}

Result<> dump_policies(SyscallContext&, const GenericRequest& request, NetlinkWriter& writer) {
  const GenericFamily& family = *TRY(find_family(request));
  const Nla asked = request.attributes[kOperationAsked];
  if (asked && family.find(static_cast<uint8_t>(asked.as<uint32_t>())) == nullptr) {
    return request.refuse(Errno::ENOENT, nullptr, asked);
  }
  PolicyList list;
  for (const GenericOperation& operation : family.operations) {
    if (operation.policy == nullptr || (asked && asked.as<uint32_t>() != operation.command)) continue;
    const uint32_t number = list.number_of(operation.policy, operation.last_attribute);
    TRY(put_operation_policy(request, writer, family, operation, number));
  }
  list.add_nested();
  const size_t count = list.all().size();
  for (size_t i = 0; i < count; ++i) TRY(put_policy(request, writer, family, static_cast<uint16_t>(i), list));
  return ok();
}

constexpr GenericOperation kOperations[] = {
    {.command = kGetFamily,
     .last_attribute = kFamilyName,
     .policy = kFamilyPolicy,
     .handle = &get_family,
     .dump = &dump_families},
    {.command = kGetPolicy, .last_attribute = kOperationAsked, .policy = kPolicyPolicy, .dump = &dump_policies},
};
constexpr GenericGroup kGroups[] = {{.number = 0x10, .name = "notify"}};

}  // namespace

constexpr GenericFamily kGenericController = {
    .number = 0x10, .name = "nlctrl", .version = 2, .last_attribute = 0, .operations = kOperations, .groups = kGroups};

}  // namespace lxnet
