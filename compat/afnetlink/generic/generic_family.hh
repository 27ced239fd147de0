// NETLINK_GENERIC: families, each known by a name and the number that messages to it have as their type
// (net/netlink/genetlink.c).
//
// A family is a row, its commands are rows: what they take, who may call them, and what answers. The controller tells programs
// of these rows, so it cannot say what is not so.
#pragma once

#include <span>

#include "compat/afnetlink/netlink_message.hh"

namespace lxnet {

struct GenericHeader {  // struct genlmsghdr
  uint8_t command, version;
  uint16_t reserved;
};
static_assert(sizeof(GenericHeader) == 4);

inline constexpr uint16_t kNestedAttribute = 0x8000;  // NLA_F_NESTED, which newer families set

struct GenericFamily;

// A request to a family, its attributes checked.
struct GenericRequest {
  const NetlinkRequest& netlink;
  const GenericFamily& family;
  uint8_t command;
  NlaTable attributes;

  // The error, and what of the request it is about.
  Errno refuse(Errno error, const char* text, Nla attribute = Nla()) const {
    *netlink.complaint = {attribute.place(), text, 0};
    return error;
  }
  uint16_t part_flags() const { return netlink.is_dump() ? uint16_t{kNetlinkMulti} : uint16_t{0}; }
  // Begins a message of the family's.
  Result<> begin(NetlinkWriter& writer, uint8_t command_of_answer) const;
};

using GenericHandler = Result<> (*)(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer);

struct GenericOperation {
  enum class Access : uint8_t { Everybody, Administrators };
  enum class Check : uint8_t {
    Liberal,  // unknown attributes are passed over
    Strict,   // nothing may stand there that is not known
  };
  uint8_t command;
  Access access = Access::Everybody;
  Check check = Check::Liberal;
  uint8_t last_attribute = 0;
  const NlaPolicy* policy = nullptr;
  GenericHandler handle = nullptr;
  GenericHandler dump = nullptr;  // an error of its is that of the request: it has written nothing
  bool checks_dump = true;        // whether a dump's attributes are looked at
  bool is_namespaces = false;     // GENL_UNS_ADMIN_PERM: of this network's administrators, for the same thing here
};

struct GenericGroup {
  uint32_t number;
  const char* name;
};

struct GenericFamily {
  uint16_t number;
  const char* name;
  uint32_t version;
  uint32_t last_attribute;  // of all commands together; 0: each has its own
  std::span<const GenericOperation> operations;
  std::span<const GenericGroup> groups = {};

  const GenericOperation* find(uint8_t command) const {
    for (const GenericOperation& operation : operations) {
      if (operation.command == command) return &operation;
    }
    return nullptr;
  }
};

extern const GenericFamily kGenericController, kGenericEthtool, kGenericTcpMetrics;
// Every family, by rising numbers.
std::span<const GenericFamily* const> generic_families();

inline constexpr int kNetlinkGeneric = 16;
inline constexpr uint32_t kLastGenericGroup = 63;
// Answers one request.
Result<> handle_generic(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output);

Result<> put_text(NetlinkWriter& writer, uint16_t type, const char* text);

}  // namespace lxnet
