// Calls on a slot that move no data.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <utility>

#include "tests/differential/walk/generator.hh"

namespace walk {

Argument Generator::pointer_or_bad(Argument good) {
  if (!choose_.one_in(30)) return good;
  return {choose_.one_in(3) ? ArgumentKind::Null : ArgumentKind::Unmapped};
}

Argument Generator::length_argument(int64_t right) {
  if (choose_.one_in(30)) return {choose_.one_in(2) ? ArgumentKind::Null : ArgumentKind::Unmapped};
  if (!choose_.one_in(8)) return {ArgumentKind::Length, right};
  return {ArgumentKind::Length, choose_.of({0, 1, 2, 3, 4, 8, 15, 17, 27, 29, 110, 128, 129, 1000, -1, INT32_MIN})};
}

void Generator::bind(int slot) {
  const Argument address = pointer_or_bad(address_for(slots_[slot].kind));
  mixes_families(slot, address);
  add({SYS_bind, "bind", {slot_argument(slot), address, length_argument_of(address)}});
}

// Linux sends from a UDP socket whose next connect() failed to where that would have led:
// docs/linux_notes/udp_failed_reconnect.md.
void Generator::disconnect_before_connect(int slot) {
  const Kind kind = slots_[slot].kind;
  if (kind != Kind::Udp4 && kind != Kind::Udp6 && kind != Kind::UdpLite4 && kind != Kind::UdpLite6) return;
  if (std::exchange(slots_[slot].was_connected, true)) {
    add({SYS_connect, "connect", {slot_argument(slot), Argument{ArgumentKind::In, 0, Bytes(16, 0)}, number(16)}});
  }
}

// An AF_INET6 stream that has once tried to reach an IPv4 address stays half one of IPv4's on Linux, and what it sends over IPv6
// afterwards goes nowhere: docs/linux_notes/tcp.md.
bool Generator::mixes_families(int slot, const Argument& address) {
  if (slots_[slot].kind != Kind::Tcp6) return false;
  bool is_v4 = false, is_v6 = true;
  if (address.kind == ArgumentKind::In && address.bytes.size() >= 20) {
    is_v4 = address.bytes[18] == 0xff && address.bytes[19] == 0xff;
    is_v6 = !is_v4;
  } else if (address.kind == ArgumentKind::NameOf) {
    is_v4 = slots_[address.value].met_v4;
  }
  Slot& state = slots_[slot];
  state.met_v4 = state.met_v4 || is_v4;
  state.met_v6 = state.met_v6 || is_v6;
  return state.was_connected && state.met_v4 && state.met_v6;
}

void Generator::become_child(int child, int listener) {
  slots_[child].was_connected = true;
  slots_[child].met_v4 = slots_[listener].met_v4;
  slots_[child].met_v6 = true;
}

void Generator::connect(int slot) {
  // connect() writes over the way of pieces that wait, and of IPv6's with an address of IPv4.
  if (slots_[slot].has_joined && is_v6(slots_[slot].kind)) return;
  disconnect_before_connect(slot);
  const Kind kind = slots_[slot].kind;
  Argument address = choose_.one_in(2) ? Argument{ArgumentKind::NameOf, choose_.below(kSlots)} : address_for(kind);
  if (mixes_families(slot, address)) return;
  slots_[slot].was_connected = true;
  address = pointer_or_bad(address);
  add({SYS_connect, "connect", {slot_argument(slot), address, length_argument_of(address)}});
}

void Generator::listen(int slot) {
  add({SYS_listen, "listen", {slot_argument(slot), number(choose_.of({0, 1, 2, 128, -1, 100000}))}});
}

void Generator::accept(int slot) {
  const int child = free_slot();
  const Kind kind = slots_[slot].kind;
  const bool wants_name = choose_.one_in(2);
  Operation call{SYS_accept4,
                 "accept4",
                 {slot_argument(slot), wants_name ? pointer_or_bad({ArgumentKind::Address, 128}) : Argument{ArgumentKind::Null},
                  wants_name ? length_argument(128) : Argument{ArgumentKind::Null},
                  number(choose_.one_in(10) ? choose_.of<int>({0, 1, 0x4000, SOCK_CLOEXEC}) : SOCK_NONBLOCK)}};
  call.stores[0] = child;
  add(call);
  slots_[child] = {kind};
  become_child(child, slot);
}

void Generator::name(int slot) {
  const bool is_own = choose_.one_in(2);
  add({is_own ? SYS_getsockname : SYS_getpeername,
       is_own ? "getsockname" : "getpeername",
       {slot_argument(slot), pointer_or_bad({ArgumentKind::Address, 128}), length_argument(128)}});
}

void Generator::shutdown(int slot) {
  add({SYS_shutdown,
       "shutdown",
       {slot_argument(slot), number(choose_.one_in(10) ? choose_.of({-1, 3, 100}) : choose_.below(3))}});
}

void Generator::control(int slot) {
  const long request =
      choose_.of<long>({FIONREAD, FIONREAD, FIONREAD, TIOCOUTQ, 0x8905 /* SIOCATMARK */, 0x894b /* SIOCOUTQNSD */, FIOASYNC,
                        FIONBIO, 0x8903 /* FIOGETOWN */, 0x8904 /* SIOCGPGRP */, 0x8906 /* SIOCGSTAMP */, 0x12345, 0});
  const bool sets = request == FIOASYNC || request == FIONBIO;
  const Bytes one{1, 0, 0, 0};
  Argument argument = sets ? Argument{ArgumentKind::In, 0, one} : Argument{ArgumentKind::Length, 0x5a5a};
  // A time that only this run knows.
  if (request == 0x8906) argument = {ArgumentKind::Unmapped};
  add({SYS_ioctl, "ioctl", {slot_argument(slot), number(request), pointer_or_bad(argument)}});
}

void Generator::descriptor(int slot) {
  const int dice = choose_.below(6);
  if (dice == 0) {
    const int other = choose_.below(kSlots);
    if (other == slot) return;
    close(other);
    Operation call{SYS_dup, "dup", {slot_argument(slot)}};
    call.stores[0] = other;
    add(call);
    // What the two meet from now on is not told apart.
    slots_[slot].was_connected = slots_[slot].met_v4 = slots_[slot].met_v6 = true;
    slots_[other] = slots_[slot];
  } else if (dice == 1) {
    add({SYS_fcntl, "fcntl", {slot_argument(slot), number(F_GETFL), number(0)}});
  } else if (dice == 2) {
    const int flags =
        choose_.of<int>({O_NONBLOCK, O_NONBLOCK, O_NONBLOCK | O_ASYNC, O_NONBLOCK | O_APPEND, O_NONBLOCK | 0x7fff0000});
    add({SYS_fcntl, "fcntl", {slot_argument(slot), number(F_SETFL), number(flags)}});
  } else if (dice == 3) {
    add({SYS_fcntl,
         "fcntl",
         {slot_argument(slot), number(choose_.of({F_GETFD, F_GETOWN, F_GETSIG, F_GETLK, 1000})), {ArgumentKind::Null}}});
  } else if (dice == 4) {
    add({SYS_lseek, "lseek", {slot_argument(slot), number(choose_.of({0, 1, -1})), number(choose_.below(4))}});
  } else {
    add({SYS_fcntl, "fcntl", {slot_argument(slot), number(F_SETFD), number(choose_.below(2))}});
  }
}

void Generator::poll() {
  if (choose_.one_in(3)) {
    const auto mask = [&] { return static_cast<int64_t>(choose_.next() % (1u << kSlots)); };
    const auto set = [&] { return choose_.one_in(4) ? Argument{ArgumentKind::Null} : Argument{ArgumentKind::Sets, mask()}; };
    add({SYS_pselect6,
         "pselect6",
         {number(choose_.one_in(10) ? choose_.of({0, 1, -1, 2000}) : 1024), pointer_or_bad(set()), set(), set(),
          Argument{ArgumentKind::In, 0, Bytes(16, 0)}, Argument{ArgumentKind::Null}}});
    return;
  }
  Operation call{SYS_poll, "poll", {{ArgumentKind::Polls}, number(0), number(0)}};
  const int count = choose_.below(6);
  for (int i = 0; i < count; ++i) {
    call.polls.push_back({choose_.one_in(10) ? kNoSlot : choose_.below(kSlots), static_cast<uint16_t>(choose_.next())});
  }
  call.arguments[1] = number(count);
  call.arguments[0] = count == 0 ? Argument{ArgumentKind::Null} : pointer_or_bad(call.arguments[0]);
  add(call);
}

void Generator::close(int slot) {
  Operation call{SYS_close, "close", {slot_argument(slot)}};
  call.closes = slot;
  add(call);
  slots_[slot] = {};
}

}  // namespace walk
