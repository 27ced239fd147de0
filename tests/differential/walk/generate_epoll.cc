// Sets that watch the slots, each other among them: entries added, changed and removed, and what is told of them.
//
// Such a walk opens, fills, empties, duplicates and closes, and leaves out what other walks are about. Nothing waits: the ready
// list's order is compared, and that needs nobody's clock.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

// As x86-64 has it in memory.
Bytes event_bytes(uint32_t events, uint64_t data) {
  Bytes bytes(12);
  memcpy(bytes.data(), &events, sizeof events);
  memcpy(bytes.data() + 4, &data, sizeof data);
  return bytes;
}

}  // namespace

int Generator::any_set() {
  int found = kNoSlot, seen = 0;
  for (int slot = 0; slot < kSlots; ++slot) {
    if (slots_[slot].kind == Kind::Epoll && choose_.below(++seen) == 0) found = slot;
  }
  // Now and then what is no set.
  return found == kNoSlot || choose_.one_in(40) ? choose_.below(kSlots) : found;
}

void Generator::open_set() {
  const int slot = free_slot();
  Operation call = choose_.one_in(4)
                       ? Operation{SYS_epoll_create, "epoll_create", {number(choose_.one_in(8) ? choose_.of({0, -1}) : 1)}}
                       : Operation{SYS_epoll_create1,
                                   "epoll_create1",
                                   {number(choose_.one_in(8) ? choose_.of<int>({EPOLL_CLOEXEC, 1, O_NONBLOCK, -1}) : 0)}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {Kind::Epoll};
}

uint32_t Generator::epoll_events() {
  uint32_t events = choose_.of<uint32_t>({EPOLLIN, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLRDHUP, EPOLLPRI, 0,
                                          EPOLLRDNORM | EPOLLWRNORM, EPOLLRDBAND | EPOLLWRBAND, EPOLLMSG, EPOLLHUP, EPOLLERR});
  if (choose_.one_in(3)) events |= EPOLLET;
  if (choose_.one_in(6)) events |= EPOLLONESHOT;
  if (choose_.one_in(10)) events |= EPOLLEXCLUSIVE;
  if (choose_.one_in(15)) events |= EPOLLWAKEUP;
  return choose_.one_in(30) ? static_cast<uint32_t>(choose_.next()) : events;
}

void Generator::control_set() {
  const int set = any_set(), target = choose_.one_in(6) ? any_set() : any_slot();
  const int operation = choose_.one_in(40) ? choose_.of({0, 4, -1}) : choose_.of({1, 1, 1, 2, 3, 3});
  // The data says which entry it was.
  const uint64_t data = static_cast<uint64_t>(target) << 32 | static_cast<uint64_t>(choose_.below(100));
  const Argument event = pointer_or_bad({ArgumentKind::In, 0, event_bytes(epoll_events(), data)});
  add({SYS_epoll_ctl, "epoll_ctl", {slot_argument(set), number(operation), slot_argument(target), event}});
}

void Generator::wait_for_set() {
  const int set = any_set(), most = choose_.of({1, 1, 2, 3, 10});
  const int64_t said = choose_.one_in(30) ? choose_.of<int64_t>({0, -1, INT32_MIN, INT32_MAX, 1 << 28}) : most;
  Argument room{ArgumentKind::Out, most * 12};
  // Room for an event and a half: what does not fit stays.
  if (choose_.one_in(12)) room = {ArgumentKind::HalfOut, choose_.of({0, 4, 12, 18})};
  room = pointer_or_bad(room);
  const int dice = choose_.below(4);
  if (dice == 0) {
    add({SYS_epoll_pwait,
         "epoll_pwait",
         {slot_argument(set), room, number(said), number(0), {ArgumentKind::Null}, number(choose_.of({0, 8, 16}))}});
  } else if (dice == 1) {
    Bytes none(16);
    if (choose_.one_in(10)) none[15] = 0x80;  // nanoseconds below zero
    add({SYS_epoll_pwait2,
         "epoll_pwait2",
         {slot_argument(set), room, number(said), {ArgumentKind::In, 0, none}, {ArgumentKind::Null}, number(8)}});
  } else {
    add({SYS_epoll_wait, "epoll_wait", {slot_argument(set), room, number(said), number(0)}});
  }
}

void Generator::epoll_step() {
  int sets = 0, others = 0;
  for (const Slot& slot : slots_) {
    if (slot.kind != Kind::None) ++(slot.kind == Kind::Epoll ? sets : others);
  }
  if (sets == 0 || (sets < 4 && choose_.one_in(30))) return open_set();
  if (others < 3 || choose_.one_in(30)) return open_something();
  const int dice = choose_.below(100);
  if (dice < 25) return control_set();
  if (dice < 55) return wait_for_set();
  if (dice < 58) return poll();
  const int slot = any_slot();
  if (dice < 74) return send(slot);
  if (dice < 88) return receive(slot);
  if (dice < 92) return accept(slot);
  if (dice < 94) return shutdown(slot);
  if (dice < 96) return descriptor(slot);
  if (dice < 97) return connect(slot);
  close(slot);
}

}  // namespace walk
