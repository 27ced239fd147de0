// Walks over AF_UNIX alone: descriptors and credentials in messages, names of every kind, out-of-band bytes, full queues, pipes
// beside the sockets and data spliced between them.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kAtMark = 0x8905;  // SIOCATMARK
constexpr Kind kSockets[] = {Kind::UnixStream, Kind::UnixStream, Kind::UnixDatagram, Kind::UnixSequenced};

Argument text(const char* string) { return {ArgumentKind::In, 0, Bytes(string, string + strlen(string) + 1)}; }

// Paths of a directory that is the run's own.
constexpr const char* kPaths[] = {"p0", "p1", "p2"};

}  // namespace

void Generator::unix_step() {
  int open = 0;
  for (const Slot& slot : slots_) open += slot.kind != Kind::None;
  if (open < 4 || choose_.one_in(20)) return open_unix();
  if (choose_.one_in(25)) return poll();
  if (choose_.one_in(30)) return change_path();
  const int slot = any_slot();
  if (slots_[slot].kind == Kind::Pipe) return use_pipe(slot);
  const int dice = choose_.below(100);
  if (dice < 24) return send(slot);
  if (dice < 48) return receive(slot);
  if (dice < 58) return pass_descriptors(slot);
  if (dice < 63) return take_descriptors(slot);
  if (dice < 69) return set_option(slot);
  if (dice < 73) return get_option(slot);
  if (dice < 75) return name(slot);
  if (dice < 79) return control_unix(slot);
  if (dice < 81) return descriptor(slot);
  if (dice < 84) return bind(slot);
  if (dice < 88) return connect(slot);
  if (dice < 90) return listen(slot);
  if (dice < 93) return accept(slot);
  if (dice < 95) return shutdown(slot);
  if (dice < 98) return splice(slot);
  close(slot);
}

void Generator::open_unix() {
  if (choose_.one_in(5)) return open_pipe();
  const Kind kind = choose_.of(kSockets);
  if (choose_.one_in(2)) return open_socketpair();
  if (kind == Kind::UnixDatagram ? choose_.one_in(2) : choose_.one_in(4)) return open_socket(free_slot(), kind);
  kind == Kind::UnixDatagram ? open_datagram_pair(kind) : open_stream_pair(kind);
}

void Generator::open_pipe() {
  const int out = free_slot();
  slots_[out] = {Kind::Pipe};
  const int in = free_slot();
  slots_[in] = {Kind::Pipe};
  Operation call{SYS_pipe2, "pipe2", {{ArgumentKind::Out, 8}, number(O_NONBLOCK)}};
  call.stores[0] = out;
  call.stores[1] = in;
  add(call);
}

void Generator::use_pipe(int slot) {
  const int dice = choose_.below(8);
  const int size = choose_.of({1, 10, 100, 5000});
  if (dice < 2) return add({SYS_write, "write", {slot_argument(slot), {ArgumentKind::Data, size}, number(size)}});
  if (dice < 4) {
    add({SYS_read, "read", {slot_argument(slot), {ArgumentKind::Out, size}, number(size)}});
    out_.back().is_receive = true;
    return;
  }
  if (dice < 5) return add({SYS_ioctl, "ioctl", {slot_argument(slot), number(FIONREAD), {ArgumentKind::Length, 0x5a5a}}});
  if (dice < 6) return splice(slot);
  if (dice < 7) return descriptor(slot);
  close(slot);
}

// Abstract names that differ only behind a zero, paths with and without their end, five digits of the kernel's choice.
Argument Generator::unix_address() {
  const int dice = choose_.below(20);
  if (dice < 2) return {ArgumentKind::In, 0, Bytes{AF_UNIX, 0}};
  if (dice < 9) {
    Argument path = text(choose_.of(kPaths));
    path.bytes.insert(path.bytes.begin(), {AF_UNIX, 0});
    if (choose_.one_in(4)) path.bytes.resize(choose_.of<size_t>({4, 6, 20, 110, 111}));
    return path;
  }
  Bytes bytes{AF_UNIX, 0, 0, 'w', static_cast<uint8_t>('0' + choose_.below(4))};
  if (choose_.one_in(5)) bytes.resize(choose_.of<size_t>({3, 4, 6, 7, 110, 111}));
  if (choose_.one_in(20)) bytes[0] = static_cast<uint8_t>(choose_.of<int>({AF_UNSPEC, AF_INET, 99}));
  return {ArgumentKind::In, 0, bytes};
}

// What programs do to the paths that sockets have.
void Generator::change_path() {
  const Argument path = text(choose_.of(kPaths));
  const int dice = choose_.below(6);
  if (dice < 3) return add({SYS_unlink, "unlink", {path}});
  if (dice < 5) return add({SYS_rename, "rename", {path, text(choose_.of(kPaths))}});
  add({SYS_mknod, "mknod", {path, number(S_IFREG | 0600), number(0)}});
}

std::vector<int> Generator::some_slots() {
  std::vector<int> slots;
  const int count = choose_.one_in(60) ? choose_.of({252, 253, 254}) : 1 + choose_.below(3);
  const int one = any_slot();
  for (int i = 0; i < count; ++i) slots.push_back(count > 3 ? one : choose_.one_in(25) ? kNoSlot : any_slot());
  return slots;
}

Control Generator::rights() {
  Control control{SOL_SOCKET, SCM_RIGHTS, 0, {}};
  control.slots = some_slots();
  control.data.resize(control.slots.size() * sizeof(int));
  control.length = 16 + control.data.size();
  return control;
}

Control Generator::credentials() {
  const int ids[3] = {choose_.of({0, 0, 0, 1, 0x3fffffff, -1}), choose_.of({0, 0, 1000, -1}), choose_.of({0, 0, 1000, -1})};
  Control control{SOL_SOCKET, SCM_CREDENTIALS, 16 + sizeof ids, Bytes(sizeof ids)};
  memcpy(control.data.data(), ids, sizeof ids);
  control.is_own_pid = ids[0] == 0;
  return control;
}

std::vector<Control> Generator::unix_controls() {
  std::vector<Control> list;
  const int count = choose_.one_in(4) ? 2 : 1;
  for (int i = 0; i < count; ++i) {
    const int dice = choose_.below(8);
    Control control = dice < 4   ? rights()
                      : dice < 7 ? credentials()
                                 : Control{choose_.of<int>({SOL_SOCKET, SOL_SOCKET, 77}), choose_.of({3, 4, 41}), 20, Bytes(4)};
    if (choose_.one_in(10)) control.length = static_cast<uint64_t>(choose_.of({0, 1, 15, 16, 17, 18, 19, 21, 4096, -1}));
    list.push_back(control);
  }
  return list;
}

void Generator::pass_descriptors(int slot) {
  Operation call{SYS_sendmsg, "sendmsg", {slot_argument(slot), {ArgumentKind::Message}, number(send_flags(slot))}};
  Message message{};
  message.name = {ArgumentKind::Null};
  message.vector = {choose_.of({1, 1, 2, 10, 0})};
  message.vector_count = 1;
  message.control = {rights()};
  if (choose_.one_in(6)) message.control.push_back(choose_.one_in(2) ? rights() : credentials());
  message.control_room = -1;
  call.messages.push_back(message);
  add(call);
  if (slots_[slot].other_end != kNoSlot && choose_.one_in(2)) take_descriptors(slots_[slot].other_end);
}

// What arrives goes into two slots, and the rest is closed.
void Generator::take_descriptors(int slot) {
  Operation call{SYS_recvmsg, "recvmsg", {slot_argument(slot), {ArgumentKind::Message}, number(receive_flags())}};
  Message message{};
  message.name = choose_.one_in(3) ? Argument{ArgumentKind::Address, 128} : Argument{ArgumentKind::Null};
  message.name_length = 128;
  message.vector = {choose_.of({1, 2, 10, 200, 0})};
  message.vector_count = 1;
  message.control_room = choose_.one_in(3) ? choose_.of({0, 12, 15, 16, 17, 19, 20, 23, 24, 28, 32, 48}) : 1200;
  call.messages.push_back(message);
  call.is_receive = true;
  for (int& stored : call.stores) {
    const int empty = choose_.below(kSlots);
    if (slots_[empty].kind != Kind::None) continue;
    stored = empty;
    slots_[empty] = {choose_.one_in(6) ? Kind::Pipe : choose_.of(kSockets)};
  }
  if (call.stores[0] == kNoSlot) std::swap(call.stores[0], call.stores[1]);
  add(call);
}

void Generator::control_unix(int slot) {
  const long request =
      choose_.of<long>({FIONREAD, FIONREAD, TIOCOUTQ, TIOCOUTQ, kAtMark, kAtMark, 0x8906 /* SIOCGSTAMP */, 0x8910});
  const Argument argument = pointer_or_bad({ArgumentKind::Length, 0x5a5a});
  add({SYS_ioctl, "ioctl", {slot_argument(slot), number(request), argument}});
}

void Generator::splice(int slot) {
  const int other = any_slot();
  const bool is_in = choose_.one_in(2);
  const int size = choose_.of({0, 1, 7, 100, 5000});
  add({SYS_splice,
       "splice",
       {slot_argument(is_in ? slot : other),
        {ArgumentKind::Null},
        slot_argument(is_in ? other : slot),
        {ArgumentKind::Null},
        number(size),
        number(choose_.of<int>({SPLICE_F_NONBLOCK, SPLICE_F_NONBLOCK, SPLICE_F_MOVE, SPLICE_F_MORE | SPLICE_F_NONBLOCK}))}});
}

}  // namespace walk
