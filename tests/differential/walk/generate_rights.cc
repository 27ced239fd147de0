// Walks over AF_UNIX about what control messages carry: descriptors of every kind, several in one message or in several control
// messages, sockets that go through themselves or in circles, credentials and pidfds, taken, peeked at or lost with what is
// closed.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kPassPidfd = 76, kPassRights = 83, kProcessControl = 4, kSecurity = 3;

}  // namespace

void Generator::rights_step() {
  int open = 0;
  for (const Slot& slot : slots_) open += slot.kind != Kind::None;
  if (open < 5 || choose_.one_in(20)) return open_passable();
  const int slot = any_unix_slot();
  const int dice = choose_.below(100);
  if (dice < 28) return pass_many(slot);
  if (dice < 52) return take_many(slot);
  if (dice < 58) return send(slot);
  if (dice < 66) return receive(slot);
  if (dice < 74) return set_passing(slot);
  if (dice < 77) return control_unix(slot);
  if (dice < 79) return descriptor(any_slot());
  if (dice < 81) return accept(slot);
  if (dice < 83) return connect(slot);
  if (dice < 84) return shutdown(slot);
  if (dice < 86) return splice(slot);
  if (dice < 88) return control_set();
  if (dice < 90) return wait_for_set();
  if (dice < 91) return poll();
  close(any_slot());
}

int Generator::any_unix_slot() {
  for (int tries = 0; tries < 8; ++tries) {
    const int slot = any_slot();
    if (is_unix(slots_[slot].kind)) return slot;
  }
  return any_slot();
}

// Mostly what passes, and beside it what is passed.
void Generator::open_passable() {
  const int dice = choose_.below(16);
  if (dice < 9) return open_unix();
  if (dice < 10) return open_set();
  if (dice < 11) return open_file();
  if (dice < 12) return open_socket(free_slot(), choose_.of({Kind::Udp4, Kind::Tcp6, Kind::Raw4}));
  const int slot = free_slot();
  Operation call = dice < 13   ? Operation{SYS_eventfd2, "eventfd2", {number(choose_.below(2)), number(EFD_NONBLOCK)}}
                   : dice < 14 ? Operation{SYS_pidfd_open, "pidfd_open", {{ArgumentKind::OwnPid}, number(0)}}
                   : dice < 15 ? Operation{SYS_socket, "socket", {number(AF_NETLINK), number(SOCK_RAW), number(0)}}
                               : Operation{SYS_socket, "socket", {number(AF_PACKET), number(SOCK_RAW), number(0)}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {Kind::File};
}

// A circle is as likely as not: the socket itself, its other end, or any.
Control Generator::rights_through(int slot) {
  Control control = rights();
  if (control.slots.size() > 3) return control;
  for (int& one : control.slots) {
    const int dice = choose_.below(5);
    if (dice == 0) one = slot;
    if (dice == 1 && slots_[slot].other_end != kNoSlot) one = slots_[slot].other_end;
  }
  return control;
}

std::vector<Control> Generator::passed_through(int slot) {
  std::vector<Control> list;
  const int count = choose_.one_in(3) ? choose_.below(4) : 1;
  for (int i = 0; i < count; ++i) {
    const int dice = choose_.below(12);
    Control control = dice < 9    ? rights_through(slot)
                      : dice < 11 ? credentials()
                                  : Control{SOL_SOCKET, choose_.of({kProcessControl, kSecurity}), 20, Bytes(4)};
    if (choose_.one_in(30)) control.length = static_cast<uint64_t>(choose_.of({0, 15, 16, 17, 18, 19, 21, 4096, -1}));
    list.push_back(control);
  }
  return list;
}

void Generator::pass_many(int slot) {
  const int flags =
      choose_.one_in(4) ? choose_.of<int>({MSG_OOB, MSG_DONTWAIT, MSG_EOR, MSG_NOSIGNAL, MSG_DONTWAIT | MSG_OOB}) : 0;
  const bool is_many = choose_.one_in(8);
  Operation call =
      is_many ? Operation{SYS_sendmmsg, "sendmmsg", {slot_argument(slot), {ArgumentKind::Messages}, number(0), number(flags)}}
              : Operation{SYS_sendmsg, "sendmsg", {slot_argument(slot), {ArgumentKind::Message}, number(flags)}};
  const int count = is_many ? 1 + choose_.below(3) : 1;
  for (int i = 0; i < count; ++i) {
    Message message{};
    const bool is_named = slots_[slot].kind == Kind::UnixDatagram && choose_.one_in(4);
    message.name = is_named ? Argument{ArgumentKind::NameOf, any_unix_slot()} : Argument{ArgumentKind::Null};
    message.name_length = is_named ? kNameLength : 0;
    message.vector = choose_.one_in(5) ? std::vector<int>{choose_.of({1, 5000}), choose_.of({0, 1, 40000})}
                                       : std::vector<int>{choose_.of({1, 1, 2, 10, 0})};
    message.vector_count = static_cast<int64_t>(message.vector.size());
    message.control = passed_through(slot);
    message.control_room = -1;
    call.messages.push_back(message);
  }
  if (is_many) call.arguments[2] = number(count);
  add(call);
  if (slots_[slot].other_end != kNoSlot && choose_.one_in(3)) take_many(slots_[slot].other_end);
}

// What arrives goes into two slots, and the rest is closed.
void Generator::take_many(int slot) {
  const int flags = choose_.one_in(3)
                        ? 0
                        : choose_.of<int>({MSG_PEEK, MSG_PEEK, MSG_CMSG_CLOEXEC, MSG_PEEK | MSG_CMSG_CLOEXEC, MSG_TRUNC,
                                           MSG_WAITALL | MSG_DONTWAIT, MSG_OOB, MSG_PEEK | MSG_OOB, MSG_ERRQUEUE});
  const bool is_many = choose_.one_in(8);
  Operation call =
      is_many ? Operation{SYS_recvmmsg,
                          "recvmmsg",
                          {slot_argument(slot), {ArgumentKind::Messages}, number(0), number(flags), {ArgumentKind::Null}}}
              : Operation{SYS_recvmsg, "recvmsg", {slot_argument(slot), {ArgumentKind::Message}, number(flags)}};
  const int count = is_many ? 1 + choose_.below(3) : 1;
  for (int i = 0; i < count; ++i) {
    Message message{};
    message.name = choose_.one_in(3) ? Argument{ArgumentKind::Address, 128} : Argument{ArgumentKind::Null};
    message.name_length = 128;
    message.vector = choose_.one_in(5) ? std::vector<int>{choose_.of({0, 1}), choose_.of({1, 100})}
                                       : std::vector<int>{choose_.of({1, 2, 10, 200, 0})};
    message.vector_count = static_cast<int64_t>(message.vector.size());
    message.control_room =
        choose_.one_in(3) ? choose_.of({0, 12, 15, 16, 17, 19, 20, 23, 24, 28, 32, 40, 48, 52, 56, 64, 72}) : 1200;
    call.messages.push_back(message);
  }
  if (is_many) call.arguments[2] = number(count);
  call.is_receive = true;
  for (int& stored : call.stores) {
    const int empty = choose_.below(kSlots);
    if (slots_[empty].kind != Kind::None || empty == call.stores[0]) continue;
    stored = empty;
    slots_[empty] = {choose_.one_in(4) ? Kind::File : choose_.of({Kind::UnixStream, Kind::UnixDatagram, Kind::UnixSequenced})};
  }
  if (call.stores[0] == kNoSlot) std::swap(call.stores[0], call.stores[1]);
  add(call);
}

void Generator::set_passing(int slot) {
  const int name = choose_.of<int>({SO_PASSCRED, SO_PASSCRED, kPassPidfd, kPassPidfd, kPassRights, kPassRights, SO_PASSSEC,
                                    SO_PEEK_OFF, SO_OOBINLINE, 84 /* SO_INQ */});
  Bytes value(16);
  value[0] = static_cast<uint8_t>(choose_.one_in(3) ? 0 : 1);
  if (name == kPassRights) value[0] = static_cast<uint8_t>(choose_.one_in(4) ? 0 : 1);
  add({SYS_setsockopt,
       "setsockopt",
       {slot_argument(slot), number(SOL_SOCKET), number(name), {ArgumentKind::In, 0, value}, number(4)}});
}

}  // namespace walk
