#include "compat/afnetlink/netlink_attribute.hh"

namespace lxnet {

ByteSpan Nla::text() const {
  ByteSpan bytes = value();
  if (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  return bytes;
}

bool Nla::is_text(const char* other) const {
  ByteSpan bytes = value();
  while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  for (const uint8_t byte : bytes) {
    if (*other == 0 || static_cast<uint8_t>(*other) != byte) return false;
    ++other;
  }
  return *other == 0;
}

bool NlaRange::Iterator::is_end() const {
  if (rest_.size() < Nla::kHead) return true;
  uint16_t length;
  memcpy(&length, rest_.data(), sizeof length);
  return length < Nla::kHead || length > rest_.size();
}

NlaRange::Iterator& NlaRange::Iterator::operator++() {
  uint16_t length;
  memcpy(&length, rest_.data(), sizeof length);
  const size_t step = (size_t{length} + 3) & ~size_t{3};
  rest_ = rest_.subspan(step < rest_.size() ? step : rest_.size());
  return *this;
}

namespace {

constexpr char kFailed[] = "Attribute failed policy validation";

Errno complain(NetlinkComplaint* complaint, Nla attribute, const char* text, Errno error) {
  if (complaint != nullptr) *complaint = {attribute.place(), text, 0};
  return error;
}

Result<> check(Nla attribute, const NlaPolicy& policy, NetlinkComplaint* complaint);

Result<> check_inside(ByteSpan bytes, const NlaPolicy& policy, NetlinkComplaint* complaint) {
  for (const Nla attribute : NlaRange(bytes)) {
    const uint16_t type = attribute.type();
    if (type != 0 && type <= policy.inside_last) TRY(check(attribute, policy.inside[type], complaint));
  }
  return ok();
}

Result<> check_array(Nla array, const NlaPolicy& policy, NetlinkComplaint* complaint) {
  for (const Nla entry : NlaRange(array)) {
    const size_t size = entry.value().size();
    if (size == 0) continue;
    if (size < Nla::kHead) return complain(complaint, entry, "Array element too short", Errno::ERANGE);
    TRY(check_inside(entry.value(), policy, complaint));
  }
  return ok();
}

size_t least_of(NlaKind kind) {
  switch (kind) {
    case NlaKind::U8:
      return 1;
    case NlaKind::U16:
      return 2;
    case NlaKind::U32:
      return 4;
    case NlaKind::U64:
      return 8;
    default:
      return 0;
  }
}

Result<> check_text(Nla attribute, const NlaPolicy& policy, NetlinkComplaint* complaint) {
  ByteSpan bytes = attribute.value();
  if (policy.kind == NlaKind::EndedText) {
    const size_t looked =
        policy.length != 0 && policy.length + size_t{1} < bytes.size() ? policy.length + size_t{1} : bytes.size();
    bool has_end = false;
    for (const uint8_t byte : bytes.first(looked)) has_end |= byte == 0;
    if (!has_end) return complain(complaint, attribute, kFailed, Errno::EINVAL);
  }
  if (bytes.empty()) return complain(complaint, attribute, kFailed, Errno::ERANGE);
  if (policy.length != 0 && attribute.text().size() > policy.length)
    return complain(complaint, attribute, kFailed, Errno::ERANGE);
  return ok();
}

Result<> check(Nla attribute, const NlaPolicy& policy, NetlinkComplaint* complaint) {
  const size_t size = attribute.value().size();
  switch (policy.kind) {
    case NlaKind::Refused:
      return complain(complaint, attribute, kFailed, Errno::EINVAL);
    case NlaKind::Text:
    case NlaKind::EndedText:
      return check_text(attribute, policy, complaint);
    case NlaKind::Binary:
      if (policy.length != 0 && size > policy.length) return complain(complaint, attribute, kFailed, Errno::ERANGE);
      return ok();
    case NlaKind::Exact:
      if (size != policy.length) return complain(complaint, attribute, "binary attribute size out of range", Errno::ERANGE);
      return ok();
    case NlaKind::Nested:
    case NlaKind::Array:
      if (size == 0) return ok();
      if (size < Nla::kHead) return complain(complaint, attribute, kFailed, Errno::ERANGE);
      if (policy.inside == nullptr) return ok();
      return policy.kind == NlaKind::Array ? check_array(attribute, policy, complaint)
                                           : check_inside(attribute.value(), policy, complaint);
    default:
      break;
  }
  if (size < least_of(policy.kind)) return complain(complaint, attribute, kFailed, Errno::ERANGE);
  if (policy.most != 0 && attribute.be32() > policy.most) {
    return complain(complaint, attribute, "integer out of range", Errno::ERANGE);
  }
  if (policy.mask != 0 && (attribute.be32() & ~policy.mask) != 0) {
    return complain(complaint, attribute, "reserved bit set", Errno::EINVAL);
  }
  return ok();
}

}  // namespace

Result<> parse_attributes(NlaTable& table, ByteSpan bytes, uint8_t last, const NlaPolicy* policy, NetlinkComplaint* complaint) {
  for (Nla& item : table.items) item = Nla();
  for (const Nla attribute : NlaRange(bytes)) {
    const uint16_t type = attribute.type();
    if (type == 0 || type > last) continue;
    if (policy != nullptr) TRY(check(attribute, policy[type], complaint));
    table.items[type] = attribute;
  }
  return ok();
}

}  // namespace lxnet
