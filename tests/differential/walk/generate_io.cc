// Calls that move data.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

// A stream's whole budget counts what was planned, sent or not.
constexpr int kHostileCount[] = {-1, 1025, 100000};

bool names_source(const Control& control) {
  return (control.level == IPPROTO_IP && control.type == IP_PKTINFO) ||
         (control.level == IPPROTO_IPV6 && control.type == IPV6_PKTINFO);
}

}  // namespace

int Generator::size_for(int slot) {
  Slot& state = slots_[slot];
  // Linux's charges are lxnet's too: buffers may fill.
  if (plan_.is_unix_alone)
    return choose_.of({0, 1, 1, 2, 7, 100, 500, choose_.one_in(8) ? choose_.of({5000, 40000, 100000}) : 10});
  if (is_tcp(state.kind) || state.kind == Kind::UnixStream) {
    const int size = choose_.of({0, 1, 2, 7, 100, 100, 500, 1500});
    if (state.sent + size > kStreamBudget) return 1;
    state.sent += size;
    return size;
  }
  // Whether Linux answers an echo of full size depends on what of its page fragments the task has used up (Runner::run).
  if (is_ping(state.kind) && choose_.one_in(12)) return choose_.of({1472, 1473, 4000, 9000, 65536, 70000});
  if (choose_.one_in(12)) return choose_.of({1472, 1473, 4000, 9000, 65507, 65508, 65535, 65536, 70000});
  return choose_.of({0, 1, 2, 7, 8, 20, 28, 40, 100, 500});
}

int Generator::send_flags(int slot) {
  if (plan_.is_unix_alone && choose_.one_in(4)) return MSG_OOB;
  // How long a stream holds back what it is told to is a matter of time.
  const bool may_join = !is_tcp(slots_[slot].kind) && slots_[slot].kind != Kind::RawIcmp6;
  if (plan_.is_wide && may_join && choose_.one_in(8)) return MSG_MORE;
  if (!choose_.one_in(3)) return 0;
  if (choose_.one_in(4)) return static_cast<int>(choose_.next() & 0x7fffu) & ~MSG_FASTOPEN & ~(may_join ? 0 : MSG_MORE);
  return choose_.of<int>({MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB, MSG_EOR, MSG_CONFIRM, MSG_DONTROUTE, MSG_PROXY, MSG_ERRQUEUE});
}

int Generator::receive_flags() {
  if (plan_.is_unix_alone && choose_.one_in(4)) return choose_.of<int>({MSG_OOB, MSG_PEEK, MSG_WAITALL, MSG_PEEK | MSG_OOB});
  if (!choose_.one_in(3)) return 0;
  if (choose_.one_in(4)) return static_cast<int>(choose_.next() & 0x7fffu);
  return choose_.of<int>({MSG_PEEK, MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_OOB, MSG_ERRQUEUE, MSG_ERRQUEUE, MSG_PEEK | MSG_TRUNC,
                          MSG_WAITALL | MSG_DONTWAIT, MSG_CMSG_CLOEXEC});
}

std::vector<int> Generator::sizes(int slot) {
  std::vector<int> result;
  const int count = choose_.one_in(10) ? choose_.below(12) : choose_.below(4);
  for (int i = 0; i < count; ++i) result.push_back(size_for(slot) % 4096);
  return result;
}

Message Generator::outgoing(int slot) {
  Message message{};
  const Kind kind = slots_[slot].kind;
  message.name = choose_.one_in(2)   ? Argument{ArgumentKind::Null}
                 : choose_.one_in(2) ? Argument{ArgumentKind::NameOf, choose_.below(kSlots)}
                                     : address_for(kind);
  message.name = pointer_or_bad(message.name);
  message.name_length = length_of(message.name);
  message.vector = sizes(slot);
  message.vector_count = choose_.one_in(40) ? choose_.of(kHostileCount) : static_cast<int64_t>(message.vector.size());
  if (choose_.one_in(3)) message.control = controls_for(slot);
  message.control_room = -1;
  if (choose_.one_in(30)) message.control_room = choose_.of({0, 1, 15, 16, 17, 24, 20480, 20481, 100000});
  message.flags = choose_.one_in(4) ? static_cast<uint32_t>(choose_.next()) : 0;
  return message;
}

Message Generator::incoming(int slot) {
  Message message{};
  message.name = choose_.one_in(2) ? Argument{ArgumentKind::Null} : pointer_or_bad({ArgumentKind::Address, 128});
  message.name_length = choose_.one_in(6) ? choose_.of({0, 1, 2, 15, 16, 17, 28, 128, 129, 1000, -1}) : 128;
  message.vector = sizes(slot);
  message.vector_count = choose_.one_in(40) ? choose_.of(kHostileCount) : static_cast<int64_t>(message.vector.size());
  message.control_room = choose_.one_in(4) ? choose_.of({0, 1, 12, 15, 16, 17, 20, 24, 32, 40, 60}) : 512;
  message.flags = 0x5a;
  return message;
}

// A connected UDP socket goes on sending to where pieces went that named somebody else, and from where they said
// (docs/linux_notes/udp_failed_reconnect.md).
void Generator::keep_to_peer(int slot, Operation& call) {
  const Kind kind = slots_[slot].kind;
  const bool is_udp = kind == Kind::Udp4 || kind == Kind::Udp6 || kind == Kind::UdpLite4 || kind == Kind::UdpLite6;
  const size_t flags = call.number == SYS_sendmsg ? 2 : 3;
  const bool has_flags = call.number == SYS_sendmsg || call.number == SYS_sendmmsg || call.number == SYS_sendto;
  if (!is_udp || !has_flags || (call.arguments[flags].value & MSG_MORE) == 0) return;
  slots_[slot].has_joined = true;
  if (!slots_[slot].was_connected) return;
  if (call.number == SYS_sendto) call.arguments[4] = {ArgumentKind::Null};
  for (Message& message : call.messages) {
    message.name = {ArgumentKind::Null};
    std::erase_if(message.control, names_source);
  }
}

// Without its header an echo socket sends nothing.
void Generator::send(int slot) {
  const size_t first = out_.size();
  send_any(slot);
  for (size_t i = first; i < out_.size(); ++i) keep_to_peer(slot, out_[i]);
  const Kind kind = slots_[slot].kind;
  for (size_t i = first; kind == Kind::Packet && i < out_.size(); ++i) out_[i].payload = Payload::Frame;
  if ((kind != Kind::Ping4 && kind != Kind::Ping6) || choose_.one_in(4)) return;
  for (size_t i = first; i < out_.size(); ++i)
    out_[i].payload = kind == Kind::Ping4 ? Payload::EchoRequest4 : Payload::EchoRequest6;
}

void Generator::send_any(int slot) {
  const int dice = choose_.below(10);
  if (dice < 2) {
    const int size = size_for(slot);
    add({SYS_write, "write", {slot_argument(slot), pointer_or_bad({ArgumentKind::Data, size}), number(size)}});
  } else if (dice < 3) {
    Operation call{SYS_writev, "writev", {slot_argument(slot), {ArgumentKind::Vector}, number(0)}};
    call.vector = sizes(slot);
    call.arguments[2] = number(choose_.one_in(20) ? choose_.of(kHostileCount) : static_cast<int>(call.vector.size()));
    call.arguments[1] = pointer_or_bad(call.arguments[1]);
    add(call);
  } else if (dice < 6) {
    const int size = size_for(slot);
    const bool has_name = choose_.one_in(2);
    Argument name{ArgumentKind::Null};
    if (has_name)
      name = pointer_or_bad(choose_.one_in(2) ? Argument{ArgumentKind::NameOf, choose_.below(kSlots)}
                                              : address_for(slots_[slot].kind));
    Argument data = pointer_or_bad({ArgumentKind::Data, size});
    if (size > 4 && choose_.one_in(30)) data = {ArgumentKind::HalfIn, size / 2, Bytes(static_cast<size_t>(size), 0x42)};
    add({SYS_sendto,
         "sendto",
         {slot_argument(slot), data, number(size), number(send_flags(slot)), name, length_argument_of(name)}});
  } else if (dice < 9) {
    Operation call{
        SYS_sendmsg, "sendmsg", {slot_argument(slot), pointer_or_bad({ArgumentKind::Message}), number(send_flags(slot))}};
    call.messages.push_back(outgoing(slot));
    add(call);
  } else {
    Operation call{
        SYS_sendmmsg, "sendmmsg", {slot_argument(slot), {ArgumentKind::Messages}, number(0), number(send_flags(slot))}};
    const int count = choose_.below(4);
    for (int i = 0; i < count; ++i) call.messages.push_back(outgoing(slot));
    call.arguments[2] = number(count);
    add(call);
  }
}

void Generator::receive(int slot) {
  const int dice = choose_.below(10);
  const int size = choose_.of({0, 1, 2, 10, 100, 2000, 2000, 70000});
  Argument room = pointer_or_bad({ArgumentKind::Out, size});
  if (size > 4 && choose_.one_in(30)) room = {ArgumentKind::HalfOut, choose_.below(size)};
  if (dice < 2) {
    add({SYS_read, "read", {slot_argument(slot), room, number(size)}});
    out_.back().is_receive = true;
  } else if (dice < 3) {
    Operation call{SYS_readv, "readv", {slot_argument(slot), {ArgumentKind::RoomVector}, number(0)}};
    call.vector = sizes(slot);
    call.arguments[2] = number(choose_.one_in(20) ? choose_.of(kHostileCount) : static_cast<int>(call.vector.size()));
    call.is_receive = true;
    add(call);
  } else if (dice < 6) {
    const bool has_name = choose_.one_in(2);
    add({SYS_recvfrom,
         "recvfrom",
         {slot_argument(slot), room, number(size), number(receive_flags()),
          has_name ? pointer_or_bad({ArgumentKind::Address, 128}) : Argument{ArgumentKind::Null},
          has_name ? length_argument(128) : Argument{ArgumentKind::Null}}});
    out_.back().is_receive = true;
  } else if (dice < 9) {
    Operation call{
        SYS_recvmsg, "recvmsg", {slot_argument(slot), pointer_or_bad({ArgumentKind::Message}), number(receive_flags())}};
    call.messages.push_back(incoming(slot));
    call.is_receive = true;
    add(call);
  } else {
    Operation call{SYS_recvmmsg,
                   "recvmmsg",
                   {slot_argument(slot), {ArgumentKind::Messages}, number(0), number(receive_flags()), {ArgumentKind::Null}}};
    const int count = choose_.below(4);
    for (int i = 0; i < count; ++i) call.messages.push_back(incoming(slot));
    call.arguments[2] = number(count);
    call.is_receive = true;
    add(call);
  }
  set_payload(slot);
}

void Generator::set_payload(int slot) {
  const Kind kind = slots_[slot].kind;
  if (kind == Kind::Ping4 || kind == Kind::Ping6) out_.back().payload = Payload::Echo;
  if (kind == Kind::RawIcmp4 || kind == Kind::RawIcmp6 || kind == Kind::Epoll) out_.back().payload = Payload::SizeAlone;
  if (kind == Kind::Raw4) out_.back().payload = Payload::Ip4Header;
  const Operation& call = out_.back();
  const size_t flags = call.number == SYS_recvmsg ? 2 : 3;
  const bool has_flags = call.number == SYS_recvmsg || call.number == SYS_recvmmsg || call.number == SYS_recvfrom;
  if (has_flags && (call.arguments[flags].value & MSG_ERRQUEUE) != 0)
    out_.back().payload = plan_.is_wide ? Payload::SizeAlone : Payload::Record;
}

void Generator::positioned(int slot) {
  const int64_t position = choose_.of({0, 1, -1});
  const int dice = choose_.below(4);
  if (dice == 0) add({SYS_pread64, "pread64", {slot_argument(slot), {ArgumentKind::Out, 8}, number(8), number(position)}});
  if (dice == 1) add({SYS_pwrite64, "pwrite64", {slot_argument(slot), {ArgumentKind::Data, 8}, number(8), number(position)}});
  if (dice < 2) return;
  Operation call{dice == 2 ? SYS_preadv2 : SYS_pwritev2,
                 dice == 2 ? "preadv2" : "pwritev2",
                 {slot_argument(slot),
                  {dice == 2 ? ArgumentKind::RoomVector : ArgumentKind::Vector},
                  number(0),
                  number(position),
                  number(0),
                  number(choose_.of({0, 1, 2, 4, 8, 16, 32, 64, 1 << 20}))}};
  call.vector = sizes(slot);
  call.arguments[2] = number(static_cast<int>(call.vector.size()));
  call.is_receive = dice == 2;
  add(call);
  set_payload(slot);
}

}  // namespace walk
