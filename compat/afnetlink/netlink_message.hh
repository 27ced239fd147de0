// Netlink messages: what waits in a socket's queue, and how answers are written.
#pragma once

#include <optional>

#include "base/list.hh"
#include "compat/afnetlink/netlink_attribute.hh"
#include "compat/syscalls/context.hh"
#include "hal/memory.hh"

namespace lxnet {

// struct nlmsghdr, nlattr and nlmsgerr, in host order.
struct NetlinkHeader {
  uint32_t length;
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  uint32_t port;
};
static_assert(sizeof(NetlinkHeader) == 16);

enum : uint16_t { kNetlinkError = 2, kNetlinkDone = 3, kNetlinkFirstType = 16 };
enum : uint16_t {
  kNetlinkRequest = 1,
  kNetlinkMulti = 2,
  kNetlinkAck = 4,
  kNetlinkDump = 0x300,
  kNetlinkReplace = 0x100,  // of what is made new, where kNetlinkDump is of what is asked
  kNetlinkExclusive = 0x200,
  kNetlinkCreate = 0x400,
  kNetlinkAppend = 0x800,
  kNetlinkCapped = 0x100,  // in an error: without the request's payload
};

constexpr size_t netlink_align(size_t size) { return (size + 3) & ~size_t{3}; }

// One datagram: one message or several.
struct NetlinkDatagram {
  ListLink link;
  HeapArray<uint8_t> bytes;
  size_t size = 0;
  uint32_t group = 0;  // that it was sent to
  uint32_t port = 0;   // who sent it
};

// The attributes behind a message's struct, nested ones too. What does not add up ends them; of two of a type the later counts.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(ByteSpan bytes) : bytes_(bytes) {}

  // Its value; without it nothing: an attribute that is there may be empty.
  std::optional<ByteSpan> find(uint16_t type) const;
  // visit(type, value) until one fails: Result<> of each in the order in which they stand.
  template <typename Visitor>
  Result<> for_each(Visitor&& visit) const {
    uint16_t type = 0;
    ByteSpan value;
    for (ByteSpan rest = bytes_; take(rest, type, value);) TRY(visit(type, value));
    return ok();
  }
  // Whether it is there. ERANGE: shorter than a T.
  template <typename T>
  Result<bool> read(uint16_t type, T& value) const {
    const auto found = find(type);
    if (!found) return false;
    if (found->size() < sizeof(T)) return Errno::ERANGE;
    copy_bytes(mutable_bytes_of(value), *found);
    return true;
  }

 private:
  // The next one; false at the end, and at what is no attribute.
  static bool take(ByteSpan& rest, uint16_t& type, ByteSpan& value);

  ByteSpan bytes_;
};

// A request as its handler sees it.
struct NetlinkRequest {
  NetlinkHeader header{};
  ByteSpan payload;                       // behind the header
  bool is_question = true;                // for what there is; another changes something, and its flags mean other things
  bool is_strict = false;                 // NETLINK_GET_STRICT_CHK
  NetlinkComplaint* complaint = nullptr;  // where to say what was wrong, beside the error's number
  bool is_dump() const { return is_question && (header.flags & kNetlinkDump) != 0; }
};

// Where answers go: called with each finished datagram.
class NetlinkOutput {
 public:
  virtual Result<> queue(ByteSpan datagram) = 0;

 protected:
  ~NetlinkOutput() = default;
};

// Writes messages one after the other and hands them on in datagrams of at most a page, as Linux's dumps come.
class NetlinkWriter {
 public:
  NetlinkWriter(const Hal& hal, NetlinkOutput& output, const NetlinkRequest& request)
      : hal_(hal), output_(output), request_(request) {}

  // A message: begin, attributes, end. ENOMEM; EMSGSIZE for one that no datagram holds.
  Result<> begin(uint16_t type, uint16_t flags, ByteSpan body);
  Result<> attribute(uint16_t type, ByteSpan value);
  template <typename T>
  Result<> attribute(uint16_t type, const T& value) {
    return attribute(type, bytes_of(value));
  }
  Result<> end();
  // Attributes written until the place is given back are its contents.
  Result<size_t> begin_nested(uint16_t type);
  void end_nested(size_t place);
  // NLMSG_DONE, and what was not handed on yet.
  Result<> finish_dump(Errno outcome = Errno{});
  Result<> flush();

 private:
  static constexpr size_t kPart = 3776, kMost = 32 * 1024;
  Result<> make_room(size_t size);

  const Hal& hal_;
  NetlinkOutput& output_;
  const NetlinkRequest& request_;
  HeapArray<uint8_t> buffer_;
  size_t size_ = 0;     // of everything written
  size_t current_ = 0;  // where the message under way begins
};

}  // namespace lxnet
