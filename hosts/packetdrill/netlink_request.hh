// Messages of rtnetlink as this library builds and reads them: for the host, whose configuration it follows, and for lxnet.
#pragma once

#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <string_view>

namespace lxnet::packetdrill {

template <typename T>
std::string_view view_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

class NetlinkRequest {
 public:
  template <typename Body>
  NetlinkRequest(uint16_t type, uint16_t flags, const Body& body) {
    const nlmsghdr head{.nlmsg_len = 0,
                        .nlmsg_type = type,
                        .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags),
                        .nlmsg_seq = 1,
                        .nlmsg_pid = 0};
    bytes_.append(view_of(head)).append(view_of(body));
    set_size();
  }
  NetlinkRequest& attribute(uint16_t type, std::string_view value) {
    const rtattr head{.rta_len = static_cast<uint16_t>(RTA_LENGTH(value.size())), .rta_type = type};
    bytes_.append(view_of(head)).append(value);
    set_size();
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void set_size() {
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    const auto size = static_cast<uint32_t>(bytes_.size());
    memcpy(bytes_.data(), &size, sizeof size);
  }

  std::string bytes_;
};

// Calls `visit(type, offset of the value, its size)` for each attribute behind `struct_size` bytes of `body`.
template <typename Visit>
void for_each_attribute(const std::string& body, size_t struct_size, Visit visit) {
  for (size_t at = NLMSG_ALIGN(struct_size); at + sizeof(rtattr) <= body.size();) {
    rtattr head;
    memcpy(&head, body.data() + at, sizeof head);
    if (head.rta_len < sizeof head || at + head.rta_len > body.size()) return;
    visit(static_cast<uint16_t>(head.rta_type & NLA_TYPE_MASK), at + sizeof head, head.rta_len - sizeof head);
    at += RTA_ALIGN(head.rta_len);
  }
}

}  // namespace lxnet::packetdrill
