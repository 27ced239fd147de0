// One step of a walk: a system call whose arguments are said without any number that only a run knows.
//
// A step never depends on what an earlier one returned: descriptors are slots, and an address that only a run knows is "the name
// of slot k". So a sequence stays the same sequence when steps are taken out of it, and both kernels are given the same one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace walk {

constexpr int kSlots = 10;
constexpr int kNoSlot = -1;
constexpr int64_t kNameLength = -1000;  // of a message: as NameLength
// Numbers of no call: a child comes, and leaves.
constexpr long kFork = -2, kLeave = -3;
constexpr int kNeverOpen = 60;  // what an empty slot is called with: nothing is there, and below what select() always looks at

using Bytes = std::vector<uint8_t>;

enum class ArgumentKind : uint8_t {
  Number,      // value
  Slot,        // the descriptor in slot `value`
  Null,        // 0
  Unmapped,    // an address nothing is at
  In,          // the bytes `bytes`
  HalfIn,      // the same, of which only the first `value` are mapped
  NameOf,      // what getsockname() says of slot `value`, now
  NameLength,  // how long it said the last was
  Out,         // room for `value` bytes, shown afterwards as plain bytes
  HalfOut,     // room of which only `value` bytes are mapped
  Data,        // room for `value` bytes of payload: shown by size and hash
  Address,     // room for an address; shown as far as the Length after it says
  Length,      // an int in and out, `value` going in
  Message,     // the step's messages[0]
  Messages,    // all of them, as a mmsghdr array
  Vector,      // the step's vector as iovecs with payload
  RoomVector,  // the same as room
  Polls,       // the step's polls
  OwnPid,      // the process that calls
  Sets,        // an fd_set of the slots in `value`, a mask, in and out
};

struct Argument {
  ArgumentKind kind = ArgumentKind::Number;
  int64_t value = 0;
  Bytes bytes = {};
};

// cmsg_len is said apart from the data, so that it may lie.
struct Control {
  int level, type;
  uint64_t length;
  Bytes data;
  std::vector<int> slots = {};  // whose descriptors the data is; kNoSlot: -1
  bool is_own_pid = false;      // the data begins with it
};

struct Message {
  Argument name;  // In, NameOf, Address, Null, Unmapped
  int64_t name_length;
  std::vector<int> vector;       // sizes
  int64_t vector_count;          // what is said of it
  std::vector<Control> control;  // sendmsg
  int64_t control_room;          // recvmsg; or what is said of `control` when not negative
  uint32_t flags;
};

struct Poll {
  int slot;  // kNoSlot: -1
  uint16_t events;
};

// What in received bytes is a run's own and not compared.
enum class Payload : uint8_t {
  Plain,
  Echo,       // an ICMP header in front: checksum and identifier
  Ip4Header,  // an IPv4 header in front: identification and checksum
  SizeAlone,  // of what others' packets are made of
  Record,     // of the error queue, maybe a frame as it was sent: a flow label, drawn from the machine's secret
  // What is sent begins with an echo request's header.
  EchoRequest4,
  EchoRequest6,
  Frame,  // what is sent begins with an Ethernet header
  // Netlink messages (show_netlink.cc).
  NetlinkRoute,
  NetlinkDiag,
};

struct Operation {
  long number = -1;
  const char* name = "";
  std::vector<Argument> arguments = {};
  std::vector<Message> messages = {};
  std::vector<int> vector = {};
  std::vector<Poll> polls = {};
  bool is_receive = false;  // messages, vectors and Out are room for payload
  Payload payload = Payload::Plain;
  // Where the descriptor that came back goes; two: into an array, as socketpair's, or in a message.
  int stores[2] = {kNoSlot, kNoSlot};
  int closes = kNoSlot;    // this slot is empty afterwards
  bool is_childs = false;  // made by the child of the walk, with its copies
};

// What a run leaves out: option rows, each level << 32 | name. They fail alike on a kernel without the feature.
using OptionKey = uint64_t;
constexpr OptionKey option_key(int level, int name) {
  return static_cast<uint64_t>(static_cast<uint32_t>(level)) << 32 | static_cast<uint32_t>(name);
}

struct Plan {
  uint64_t seed = 1;
  int steps = 500;
  bool with_unix = false;
  bool with_epoll = false;
  bool is_unix_alone = false;
  bool is_wide = false;
  bool is_packet = false;
  bool is_rights = false;
  bool is_shared = false;
  bool is_netlink = false;
  std::vector<OptionKey> missing = {};
};
std::vector<Operation> generate(const Plan& plan);

}  // namespace walk
