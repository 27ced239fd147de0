// genl_rcv_msg(): whose request it is, whether it may be made, and what stands in it.
#include "compat/afnetlink/generic/generic_family.hh"
#include "hal/hal.hh"

namespace lxnet {
namespace {

constexpr const GenericFamily* kFamilies[] = {&kGenericController, &kGenericEthtool, &kGenericTcpMetrics};

size_t size_of(ByteSpan bytes) {
  size_t used = 0;
  for (const Nla attribute : NlaRange(bytes)) {
    used = static_cast<size_t>(attribute.place() - bytes.data()) + netlink_align(Nla::kHead + attribute.value().size());
  }
  return used;
}

bool says_that_it_is_nested(Nla attribute) {
  uint16_t type;
  memcpy(&type, attribute.place() + sizeof type, sizeof type);
  return (type & kNestedAttribute) != 0;
}

// NL_VALIDATE_STRICT: no attribute that the policy does not name, and nothing behind the last.
Result<> check_strictly(ByteSpan bytes, const GenericOperation& operation, NetlinkComplaint& complaint) {
  for (const Nla attribute : NlaRange(bytes)) {
    const uint16_t type = attribute.type();
    if (type == 0 || type > operation.last_attribute) {
      complaint = {attribute.place(), "Unknown attribute type", 0};
      return Errno::EINVAL;
    }
    const bool is_nested = operation.policy[type].kind == NlaKind::Nested;
    if (is_nested && !says_that_it_is_nested(attribute)) {
      complaint = {attribute.place(), "NLA_F_NESTED is missing", 0};
      return Errno::EINVAL;
    }
    if (is_nested && operation.policy[type].inside != nullptr) {
      for (const Nla inner : NlaRange(attribute)) {
        if (inner.type() != 0 && inner.type() <= operation.policy[type].inside_last) continue;
        complaint = {inner.place(), "Unknown attribute type", 0};
        return Errno::EINVAL;
      }
    }
  }
  return ok();
}

Result<> parse(const GenericOperation& operation, ByteSpan bytes, NlaTable& table, NetlinkComplaint& complaint) {
  if (operation.policy == nullptr) return ok();
  const bool is_strict = operation.check == GenericOperation::Check::Strict;
  if (is_strict) TRY(check_strictly(bytes, operation, complaint));
  TRY(parse_attributes(table, bytes, operation.last_attribute, operation.policy, &complaint));
  if (size_of(bytes) >= bytes.size()) return ok();
  complaint.text = "bytes leftover after parsing attributes";
  return is_strict ? Result<>(Errno::EINVAL) : ok();
}

}  // namespace

std::span<const GenericFamily* const> generic_families() { return kFamilies; }

Result<> GenericRequest::begin(NetlinkWriter& writer, uint8_t command_of_answer) const {
  const GenericHeader header{command_of_answer, static_cast<uint8_t>(family.version), 0};
  return writer.begin(family.number, part_flags(), bytes_of(header));
}

Result<> put_text(NetlinkWriter& writer, uint16_t type, const char* text) {
  size_t size = 1;  // its end counts
  while (text[size - 1] != 0) ++size;
  return writer.attribute(type, ByteSpan(reinterpret_cast<const uint8_t*>(text), size));
}

Result<> handle_generic(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  const GenericFamily* family = nullptr;
  for (const GenericFamily* other : kFamilies) {
    if (other->number == request.header.type) family = other;
  }
  if (family == nullptr) return Errno::ENOENT;
  GenericHeader header;
  if (request.payload.size() < sizeof header) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(header), request.payload);
  const GenericOperation* operation = family->find(header.command);
  const GenericHandler handle = operation == nullptr ? nullptr : request.is_dump() ? operation->dump : operation->handle;
  if (handle == nullptr) return Errno::EOPNOTSUPP;
  const bool is_everybodys = operation->access == GenericOperation::Access::Everybody;
  if (!is_everybodys && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  GenericRequest asked{.netlink = request, .family = *family, .command = header.command, .attributes = {}};
  if (!request.is_dump() || operation->checks_dump) {
    TRY(parse(*operation, request.payload.subspan(sizeof header), asked.attributes, *request.complaint));
  }
  NetlinkWriter writer(context.hal(), output, request);
  TRY(handle(context, asked, writer));
  return request.is_dump() ? writer.finish_dump() : writer.flush();
}

}  // namespace lxnet
