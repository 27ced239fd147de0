// The state a walk is made from: a guess at what each slot holds, so that most steps make sense.
#pragma once

#include "tests/differential/walk/choice.hh"
#include "tests/differential/walk/operation.hh"

namespace walk {

enum class Kind : uint8_t {
  None,
  Udp4,
  Udp6,
  Tcp4,
  Tcp6,
  Ping4,
  Ping6,
  Raw4,
  Raw6,
  UdpLite4,
  UdpLite6,
  RawIcmp4,
  RawIcmp6,
  RawWhole,  // with headers of the program's
  Epoll,
  Pipe,
  File,
  Packet,        // of whole frames
  PacketCooked,  // without their link header
  NetlinkRoute,
  NetlinkDiag,
  UnixStream,
  UnixDatagram,
  UnixSequenced
};

constexpr bool is_tcp(Kind kind) { return kind == Kind::Tcp4 || kind == Kind::Tcp6; }
constexpr bool is_ping(Kind kind) { return kind == Kind::Ping4 || kind == Kind::Ping6; }
constexpr bool is_packet(Kind kind) { return kind == Kind::Packet || kind == Kind::PacketCooked; }
constexpr bool is_netlink(Kind kind) { return kind == Kind::NetlinkRoute || kind == Kind::NetlinkDiag; }
constexpr bool is_unix(Kind kind) { return kind >= Kind::UnixStream; }
constexpr bool is_v6(Kind kind) {
  return kind == Kind::Udp6 || kind == Kind::Tcp6 || kind == Kind::Ping6 || kind == Kind::Raw6 || kind == Kind::UdpLite6 ||
         kind == Kind::RawIcmp6;
}

class Generator {
 public:
  explicit Generator(const Plan& plan) : plan_(plan), choose_(plan.seed) {}
  std::vector<Operation> run();

 private:
  // A stream's window and buffers are never filled by chance: what then fits is the kernel's own business.
  static constexpr int kStreamBudget = 16000;
  struct Slot {
    Kind kind = Kind::None;
    int sent = 0;
    bool was_connected = false;
    bool has_joined = false;  // pieces, with MSG_MORE
    int other_end = kNoSlot;  // of a pair
    // A Tcp6's bind() or connect() with a v4-mapped address, and with another; NameOf may be either.
    bool met_v4 = false, met_v6 = false;
  };

  // generate.cc: which step
  void next_step();
  void step();
  void open_something();
  void open_socket(int slot, Kind kind);
  void open_hostile(int slot);
  void open_stream_pair(Kind kind);
  void open_datagram_pair(Kind kind);
  void open_socketpair();
  void use(int slot);
  int any_slot();
  int free_slot();
  Kind any_kind();

  // generate_calls.cc: calls on a slot
  void bind(int slot);
  void disconnect_before_connect(int slot);
  void become_child(int child, int listener);
  bool mixes_families(int slot, const Argument& address);
  void connect(int slot);
  void listen(int slot);
  void accept(int slot);
  void name(int slot);
  void shutdown(int slot);
  void control(int slot);
  void descriptor(int slot);
  void poll();
  void close(int slot);

  // generate_epoll.cc
  void epoll_step();
  void open_set();
  void control_set();
  void wait_for_set();
  uint32_t epoll_events();
  int any_set();

  // generate_wide.cc
  void wide_step();
  void set_typed_option(int slot);
  // Reports of groups come after a time of the host's choice: half of the walks have sockets that hear them, half join groups.
  bool may_hear_reports() const { return plan_.seed % 2 == 0; }
  void open_file();
  void use_file(int slot);
  void send_file(int out, int in);
  void tee();
  std::vector<Control> formed_controls(int slot);
  void send_formed(int slot);
  void receive_report(int slot);

  // generate_packet.cc
  void packet_step();
  void open_packet();
  void set_packet_option(int slot);
  void get_packet_option(int slot);
  void receive_stamp(int slot);
  Argument link_address();

  // generate_netlink.cc
  void netlink_step();
  void open_netlink();
  void ask(int slot);
  void hear(int slot);
  void set_netlink_option(int slot);

  // generate_rights.cc
  void rights_step();
  int any_unix_slot();
  void open_passable();
  Control rights_through(int slot);
  std::vector<Control> passed_through(int slot);
  void pass_many(int slot);
  void take_many(int slot);
  void set_passing(int slot);

  // generate_sharers.cc
  void sharing_step();
  void child_comes();
  void child_leaves();
  void swap_slots();
  void own(int slot);

  // generate_unix.cc
  void unix_step();
  void open_unix();
  void open_pipe();
  void use_pipe(int slot);
  Argument unix_address();
  void change_path();
  std::vector<int> some_slots();
  Control rights();
  Control credentials();
  std::vector<Control> unix_controls();
  void pass_descriptors(int slot);
  void take_descriptors(int slot);
  void control_unix(int slot);
  void splice(int slot);

  // generate_io.cc
  void send(int slot);
  void send_any(int slot);
  void keep_to_peer(int slot, Operation& call);
  void receive(int slot);
  void positioned(int slot);
  Message outgoing(int slot);
  Message incoming(int slot);
  std::vector<int> sizes(int slot);
  int size_for(int slot);
  int send_flags(int slot);
  int receive_flags();

  // generate_option.cc
  void set_option(int slot);
  void get_option(int slot);
  OptionKey any_option(int slot);
  bool is_left_out(int slot, OptionKey key) const;
  Bytes option_value(OptionKey key);

  // generate_address.cc
  Argument address_for(Kind kind);
  int64_t length_of(const Argument& address);
  std::vector<Control> controls_for(int slot);

  void set_payload(int slot);

  Argument pointer_or_bad(Argument good);
  Argument length_argument(int64_t right);
  static Argument slot_argument(int slot) { return {ArgumentKind::Slot, slot}; }
  static Argument number(int64_t value) { return {ArgumentKind::Number, value}; }
  // Of a NameOf before it: paths and chosen names are of any length.
  Argument whole_name(int64_t otherwise) const {
    return plan_.is_unix_alone ? Argument{ArgumentKind::NameLength} : number(otherwise);
  }
  Argument length_argument_of(const Argument& address) {
    const int64_t length = length_of(address);
    return length == kNameLength ? Argument{ArgumentKind::NameLength} : number(length);
  }
  void add(Operation operation) { out_.push_back(std::move(operation)); }

  const Plan& plan_;
  Choice choose_;
  Slot slots_[kSlots];
  Slot other_slots_[kSlots];  // the child's
  bool has_child_ = false;
  std::vector<Operation> out_;
};

}  // namespace walk
