#include "tests/differential/walk/print_c.hh"

#include <algorithm>

#include "tests/differential/walk/show.hh"

namespace walk {
namespace {

constexpr const char* kPrelude = R"(/* Run it in a fresh network namespace: unshare -n sh -c 'ip link set lo up; ./a.out' */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int s[10] = {60, 60, 60, 60, 60, 60, 60, 60, 60, 60};
static int length, pair[2];

static void *in(const char *bytes, size_t size) { return memcpy(calloc(1, 110000 + size), bytes, size); }
static void *room(size_t size) { return memset(malloc(size + 256), 0xa5, size); }
/* What is sent begins with an echo request where this is not 0. */
static int echo;
static void *data(size_t size) {
  char *bytes = calloc(1, size + 1);
  bytes[0] = echo;
  return bytes;
}
/* `size` bytes, and then a page that faults. */
static char *half(size_t size) {
  char *page = mmap(0, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + (1 << 17), 1 << 17, PROT_NONE);
  return page + (1 << 17) - size;
}
static int name_length;
static void *name_of(int fd) {
  void *name = calloc(1, 128);
  socklen_t length = 128;
  name_length = 0;
  if (getsockname(fd, name, &length) == 0) name_length = length;
  return name;
}
static int *len(int value) { length = value; return &length; }
static struct iovec *vec(int count, const int *sizes) {
  struct iovec *v = calloc(count + 1, sizeof *v);
  for (int i = 0; i < count; ++i) v[i] = (struct iovec){i == 0 ? data(sizes[i]) : calloc(1, sizes[i] + 1), sizes[i]};
  return v;
}
/* Two processes go through the steps after fork_both(), and each waits while it is the other's turn. */
static int is_child, has_child, child, down[2], up[2];
static void fork_both(void) {
  if (has_child || pipe(down) || pipe(up)) return;
  has_child = 1;
  is_child = (child = fork()) == 0;
  close(is_child ? down[1] : down[0]);
  close(is_child ? up[0] : up[1]);
}
static void leave(void) {
  if (is_child) _exit(0);
  if (has_child) waitpid(child, 0, 0), close(down[1]), close(up[0]);
  has_child = 0;
}
static int has_turn(int childs) {
  char token;
  if (!has_child) return !childs;
  if (childs == is_child) return 1;
  while (read(is_child ? down[0] : up[0], &token, 1) < 0) ;
  return 0;
}
static void end_turn(void) { if (has_child && write(is_child ? up[1] : down[1], "", 1) < 0) _exit(1); }
static struct mmsghdr *m;
static fd_set *set(unsigned slots) {
  fd_set *f = calloc(1, sizeof *f);
  for (int i = 0; i < 10; ++i) if (slots >> i & 1) FD_SET(s[i], f);
  return f;
}
/* A control message's descriptors are those of slots. */
static void pass(struct msghdr *h, int at, int count, const int *slots) {
  for (int i = 0; i < count; ++i) ((int *)((char *)h->msg_control + at))[i] = slots[i] < 0 ? -1 : s[slots[i]];
}
/* What came goes into two slots. */
static void keep(struct msghdr *h, int one, int two) {
  int slots[] = {one, two}, kept = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
    printf("  control %d:%d /%zu\n", c->cmsg_level, c->cmsg_type, c->cmsg_len);
    if (c->cmsg_level != 1 || (c->cmsg_type != 1 && c->cmsg_type != 4)) continue;
    for (size_t i = 0; i < (c->cmsg_len - 16) / 4; ++i) {
      int fd = ((int *)CMSG_DATA(c))[i];
      if (fd >= 0 && kept < 2 && slots[kept] >= 0) s[slots[kept++]] = fd; else if (fd >= 0) close(fd);
    }
  }
}
static void on_signal(int number) { printf("signal %d\n", number); }
static void show(int step, const char *call, long result) {
  printf("%d %s = %ld", step, call, result);
  if (result < 0) printf(" %s", strerrorname_np(errno));
  printf("  (length %d)\n", length);
  for (int i = 0; i < 10; ++i) {
    struct pollfd p = {s[i], 0x7fdf, 0};
    if (s[i] != 60 && poll(&p, 1, 0) > 0) printf("  s%d polls %#x\n", i, p.revents);
  }
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  for (int i = 0; i < 4; ++i) signal((int[]){SIGPIPE, SIGURG, SIGIO, SIGUSR1}[i], on_signal);
)";

void literal(std::string& to, const Bytes& bytes) {
  to += "in(\"";
  for (uint8_t byte : bytes) print(to, "\\x%02x", byte);
  print(to, "\", %zu)", bytes.size());
}

void sizes(std::string& to, const std::vector<int>& list) {
  print(to, "vec(%zu, (int[]){", list.size());
  for (int size : list) print(to, "%d, ", size);
  to += "0})";
}

void expression(std::string& to, const Argument& argument, const Operation& operation) {
  switch (argument.kind) {
    case ArgumentKind::Number:
      return print(to, "%ldL", argument.value);
    case ArgumentKind::Slot:
      return print(to, "s[%ld]", argument.value);
    case ArgumentKind::OwnPid:
      return print(to, "getpid()");
    case ArgumentKind::Null:
      return print(to, "0L");
    case ArgumentKind::Unmapped:
      return print(to, "8L");
    case ArgumentKind::In:
      return literal(to, argument.bytes);
    case ArgumentKind::HalfIn:
    case ArgumentKind::HalfOut:
      return print(to, "half(%ld)", argument.value);
    case ArgumentKind::NameOf:
      return print(to, "name_of(s[%ld])", argument.value);
    case ArgumentKind::NameLength:
      return print(to, "name_length");
    case ArgumentKind::Out:
      if (operation.stores[1] != kNoSlot) return print(to, "pair");
      return print(to, "room(%ld)", argument.value);
    case ArgumentKind::Address:
      return print(to, "room(%ld)", argument.value);
    case ArgumentKind::Data:
      return print(to, "data(%ld)", argument.value);
    case ArgumentKind::Length:
      return print(to, "len(%ld)", argument.value);
    case ArgumentKind::Message:
      return print(to, "&m->msg_hdr");
    case ArgumentKind::Messages:
      return print(to, "m");
    case ArgumentKind::Vector:
    case ArgumentKind::RoomVector:
      return sizes(to, operation.vector);
    case ArgumentKind::Sets:
      return print(to, "set(0x%lx)", argument.value);
    case ArgumentKind::Polls:
      to += "(struct pollfd[]){";
      for (const Poll& poll : operation.polls) {
        if (poll.slot == kNoSlot) print(to, "{-1, 0x%x, 0}, ", poll.events);
        if (poll.slot != kNoSlot) print(to, "{s[%d], (short)0x%x, 0}, ", poll.slot, poll.events);
      }
      to += "}";
      return;
  }
}

Bytes control_of(const Message& message) {
  Bytes bytes;
  for (const Control& one : message.control) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(one.length >> 8 * i));
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(one.level >> 8 * i));
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(one.type >> 8 * i));
    bytes.insert(bytes.end(), one.data.begin(), one.data.end());
    bytes.resize((bytes.size() + 7) & ~size_t{7});
  }
  return bytes;
}

void messages(std::string& to, const Operation& operation) {
  print(to, "  m = calloc(%zu, sizeof *m);\n", operation.messages.size() + 1);
  for (size_t i = 0; i < operation.messages.size(); ++i) {
    const Message& message = operation.messages[i];
    print(to, "  m[%zu].msg_hdr = (struct msghdr){(void *)", i);
    expression(to, message.name, operation);
    message.name_length == kNameLength ? print(to, ", name_length, ") : print(to, ", %ld, ", message.name_length);
    sizes(to, message.vector);
    print(to, ", %ld, ", message.vector_count);
    const Bytes control = control_of(message);
    if (operation.is_receive) {
      print(to, "room(%ld), %ld", message.control_room, message.control_room);
    } else if (control.empty() && message.control_room < 0) {
      to += "0, 0";
    } else {
      literal(to, control);
      print(to, ", %ld", message.control_room >= 0 ? message.control_room : static_cast<long>(control.size()));
    }
    print(to, ", 0x%x};\n", message.flags);
    size_t at = 16;
    for (const Control& one : message.control) {
      if (!one.slots.empty()) {
        print(to, "  pass(&m[%zu].msg_hdr, %zu, %zu, (int[]){", i, at, one.slots.size());
        for (int slot : one.slots) print(to, "%d, ", slot);
        to += "0});\n";
      }
      if (one.is_own_pid) print(to, "  *(int *)((char *)m[%zu].msg_hdr.msg_control + %zu) = getpid();\n", i, at);
      at += (one.data.size() + 7) / 8 * 8 + 16;
    }
  }
}

void statement(std::string& to, int index, const Operation& operation) {
  const bool is_echo = operation.payload == Payload::EchoRequest4 || operation.payload == Payload::EchoRequest6;
  if (is_echo) print(to, "  echo = %d;\n", operation.payload == Payload::EchoRequest4 ? 8 : 128);
  if (!operation.messages.empty()) messages(to, operation);
  std::string call;
  print(call, "syscall(SYS_%s", operation.name);
  for (const Argument& argument : operation.arguments) {
    call += ", ";
    expression(call, argument, operation);
  }
  call += ')';
  to += "  {\n    long r = " + call + ";\n";
  if (operation.is_receive && operation.stores[0] != kNoSlot) {
    print(to, "    if (r >= 0) keep(&m->msg_hdr, %d, %d);\n    show(%d, \"%s\", r);\n  }\n", operation.stores[0],
          operation.stores[1], index, operation.name);
    return;
  }
  if (operation.stores[0] != kNoSlot && operation.stores[1] == kNoSlot)
    print(to, "    if (r >= 0) s[%d] = r;\n", operation.stores[0]);
  if (operation.stores[1] != kNoSlot)
    print(to, "    if (r >= 0) s[%d] = pair[0], s[%d] = pair[1];\n", operation.stores[0], operation.stores[1]);
  if (operation.closes != kNoSlot) print(to, "    s[%d] = 60;\n", operation.closes);
  print(to, "    show(%d, \"%s\", r);\n  }\n", index, operation.name);
  if (is_echo) to += "  echo = 0;\n";
}

}  // namespace

std::string c_program(const std::vector<std::pair<int, Operation>>& steps) {
  std::string program = kPrelude;
  const bool is_shared = std::ranges::any_of(steps, [](const auto& step) { return step.second.number == kFork; });
  for (const auto& [index, operation] : steps) {
    if (operation.number == kFork || operation.number == kLeave) {
      program += operation.number == kFork ? "  fork_both();\n" : "  leave();\n";
      continue;
    }
    if (is_shared) print(program, "  if (has_turn(%d)) {\n", operation.is_childs);
    statement(program, index, operation);
    if (is_shared) program += "  end_turn();\n  }\n";
  }
  return program + "  leave();\n  return 0;\n}\n";
}

}  // namespace walk
