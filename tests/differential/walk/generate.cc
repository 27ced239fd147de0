// Which step comes next.
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

struct KindRow {
  Kind kind;
  int family, type, protocol;
};
constexpr KindRow kKinds[] = {
    {Kind::Udp4, AF_INET, SOCK_DGRAM, 0},
    {Kind::Udp6, AF_INET6, SOCK_DGRAM, 0},
    {Kind::Tcp4, AF_INET, SOCK_STREAM, 0},
    {Kind::Tcp6, AF_INET6, SOCK_STREAM, 0},
    {Kind::Ping4, AF_INET, SOCK_DGRAM, 1},
    {Kind::Ping6, AF_INET6, SOCK_DGRAM, 58},
    {Kind::Raw4, AF_INET, SOCK_RAW, 253},
    {Kind::Raw6, AF_INET6, SOCK_RAW, 253},
    {Kind::UdpLite4, AF_INET, SOCK_DGRAM, 136},
    {Kind::UdpLite6, AF_INET6, SOCK_DGRAM, 136},
    {Kind::RawIcmp4, AF_INET, SOCK_RAW, 1},
    {Kind::RawIcmp6, AF_INET6, SOCK_RAW, 58},
    {Kind::RawWhole, AF_INET, SOCK_RAW, 255},
    {Kind::Epoll, 0, 0, 0},   // of no family: open_set()
    {Kind::Pipe, 0, 0, 0},    // open_pipe()
    {Kind::File, 0, 0, 0},    // open_file()
    {Kind::Packet, 0, 0, 0},  // open_packet()
    {Kind::PacketCooked, 0, 0, 0},
    {Kind::NetlinkRoute, 0, 0, 0},  // open_netlink()
    {Kind::NetlinkDiag, 0, 0, 0},
    {Kind::UnixStream, AF_UNIX, SOCK_STREAM, 0},
    {Kind::UnixDatagram, AF_UNIX, SOCK_DGRAM, 0},
    {Kind::UnixSequenced, AF_UNIX, SOCK_SEQPACKET, 0},
};

const KindRow& row_of(Kind kind) { return kKinds[static_cast<int>(kind) - 1]; }

}  // namespace

std::vector<Operation> generate(const Plan& plan) { return Generator(plan).run(); }

std::vector<Operation> Generator::run() {
  while (static_cast<int>(out_.size()) < plan_.steps) next_step();
  out_.resize(static_cast<size_t>(plan_.steps));
  return std::move(out_);
}

void Generator::next_step() {
  if (plan_.is_netlink) return netlink_step();
  if (plan_.is_rights) return rights_step();
  if (plan_.is_shared) return sharing_step();
  if (plan_.is_unix_alone) return unix_step();
  if (plan_.is_wide) return wide_step();
  if (plan_.is_packet) return packet_step();
  plan_.with_epoll ? epoll_step() : step();
}

void Generator::step() {
  int open = 0;
  for (const Slot& slot : slots_) open += slot.kind != Kind::None;
  if (open < 3 || choose_.one_in(25)) return open_something();
  if (choose_.one_in(20)) return poll();
  use(any_slot());
}

// Mostly an open one.
int Generator::any_slot() {
  for (int tries = 0; tries < 8; ++tries) {
    const int slot = choose_.below(kSlots);
    if (slots_[slot].kind != Kind::None) return slot;
  }
  return choose_.below(kSlots);
}

int Generator::free_slot() {
  for (int slot = 0; slot < kSlots; ++slot) {
    if (slots_[slot].kind == Kind::None) return slot;
  }
  const int slot = choose_.below(kSlots);
  close(slot);
  return slot;
}

Kind Generator::any_kind() {
  if (plan_.with_unix && choose_.one_in(2)) return choose_.of({Kind::UnixStream, Kind::UnixDatagram, Kind::UnixSequenced});
  if (plan_.is_wide && choose_.one_in(3))
    return choose_.of(
        {Kind::UdpLite4, Kind::UdpLite6, Kind::RawIcmp4, Kind::RawWhole, may_hear_reports() ? Kind::RawIcmp6 : Kind::RawIcmp4});
  return choose_.of({Kind::Udp4, Kind::Udp4, Kind::Udp6, Kind::Udp6, Kind::Tcp4, Kind::Tcp4, Kind::Tcp6, Kind::Tcp6, Kind::Ping4,
                     Kind::Ping6, Kind::Raw4, Kind::Raw6});
}

void Generator::open_something() {
  const Kind kind = any_kind();
  if (choose_.one_in(12)) return open_hostile(free_slot());
  if (is_unix(kind) && choose_.one_in(2)) return open_socketpair();
  if ((is_tcp(kind) || kind == Kind::UnixStream || kind == Kind::UnixSequenced) && !choose_.one_in(3))
    return open_stream_pair(kind);
  if (!is_tcp(kind) && choose_.one_in(2)) return open_datagram_pair(kind);
  open_socket(free_slot(), kind);
}

// Most do not block: a call that waits costs the walk the guard's time.
void Generator::open_socket(int slot, Kind kind) {
  const KindRow& row = row_of(kind);
  const int flags = (choose_.one_in(40) ? 0 : SOCK_NONBLOCK) | (choose_.one_in(4) ? SOCK_CLOEXEC : 0);
  Operation call{SYS_socket, "socket", {number(row.family), number(row.type | flags), number(row.protocol)}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {kind};
}

void Generator::open_hostile(int slot) {
  const int family = choose_.of<int>({AF_INET, AF_INET6, AF_UNSPEC, -1, 200, 1000});
  Operation call{SYS_socket,
                 "socket",
                 {number(family),
                  number(choose_.of({0, 1, 2, 3, 4, 5, 6, 7, 10 /* SOCK_PACKET */, 11, 15, 16}) |
                         choose_.of<int>({0, SOCK_NONBLOCK, SOCK_CLOEXEC, 0x100, 1 << 30})),
                  number(choose_.of({0, 1, 2, 6, 17, 58, 41, 136, 132, 255, 256, 263, -1, 1000}))}};
  // What it opens, if anything, is closed before it is used: its kind is not known.
  call.stores[0] = slot;
  add(call);
  close(slot);
}

// A listener, a client and what accept() gives.
void Generator::open_stream_pair(Kind kind) {
  const int listener = free_slot();
  open_socket(listener, kind);
  add({SYS_bind, "bind", {slot_argument(listener), address_for(kind), number(0)}});
  mixes_families(listener, out_.back().arguments[1]);
  out_.back().arguments[2] = number(length_of(out_.back().arguments[1]));
  add({SYS_listen, "listen", {slot_argument(listener), number(choose_.of({0, 1, 5, 128}))}});
  const int client = free_slot();
  open_socket(client, kind);
  const int length = kind == Kind::Tcp4 ? 16 : kind == Kind::Tcp6 ? 28 : 5;
  add({SYS_connect, "connect", {slot_argument(client), {ArgumentKind::NameOf, listener}, whole_name(length)}});
  mixes_families(client, out_.back().arguments[1]);
  slots_[client].was_connected = true;
  const int child = free_slot();
  Operation call{
      SYS_accept4, "accept4", {slot_argument(listener), {ArgumentKind::Null}, {ArgumentKind::Null}, number(SOCK_NONBLOCK)}};
  call.stores[0] = child;
  add(call);
  slots_[child] = {kind};
  become_child(child, listener);
}

void Generator::open_datagram_pair(Kind kind) {
  const int one = free_slot();
  open_socket(one, kind);
  bind(one);
  const int other = free_slot();
  open_socket(other, kind);
  const int length = is_unix(kind) ? 5 : is_v6(kind) ? 28 : 16;
  disconnect_before_connect(other);
  add({SYS_connect, "connect", {slot_argument(other), {ArgumentKind::NameOf, one}, whole_name(length)}});
  if (choose_.one_in(2)) {
    disconnect_before_connect(one);
    add({SYS_connect, "connect", {slot_argument(one), {ArgumentKind::NameOf, other}, whole_name(length)}});
  }
}

void Generator::open_socketpair() {
  const Kind kind = choose_.of({Kind::UnixStream, Kind::UnixDatagram, Kind::UnixSequenced});
  const int one = free_slot();
  slots_[one] = {kind};
  const int other = free_slot();
  Operation call{SYS_socketpair,
                 "socketpair",
                 {number(AF_UNIX), number(row_of(kind).type | SOCK_NONBLOCK), number(0), {ArgumentKind::Out, 8}}};
  call.stores[0] = one;
  call.stores[1] = other;
  add(call);
  slots_[other] = {kind};
  slots_[one].other_end = other;
  slots_[other].other_end = one;
}

void Generator::use(int slot) {
  const int dice = choose_.below(100);
  if (dice < 22) return send(slot);
  if (dice < 44) return receive(slot);
  if (dice < 56) return set_option(slot);
  if (dice < 66) return get_option(slot);
  if (dice < 71) return name(slot);
  if (dice < 75) return control(slot);
  if (dice < 79) return descriptor(slot);
  if (dice < 83) return bind(slot);
  if (dice < 88) return connect(slot);
  if (dice < 90) return listen(slot);
  if (dice < 93) return accept(slot);
  if (dice < 95) return shutdown(slot);
  if (dice < 96) return positioned(slot);
  close(slot);
}

}  // namespace walk
