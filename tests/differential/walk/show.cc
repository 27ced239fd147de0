#include "tests/differential/walk/show.hh"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "tests/differential/walk/memory.hh"
#include "tests/differential/walk/show_netlink.hh"

namespace walk {
namespace {

// The ports of generate_address.cc, and protocols, which raw sockets show as such.
bool is_named_port(uint16_t port) {
  return port <= 1 || port == 58 || port == 80 || port == 253 || port == 255 || (port >= 4000 && port <= 4003);
}

bool is_in(size_t at, size_t begin, size_t end) { return at >= begin && at < end; }

// Checksum and identifier of an ICMP header; identification and checksum of an IPv4 header, and its options, which may hold
// times; of a whole frame the flow label and the transport's ports too. `header_size`: of the IPv4 header in front.
bool is_own_of_a_run(Payload kind, size_t at, size_t header_size) {
  if (kind == Payload::SizeAlone) return true;
  if (kind == Payload::Echo) return is_in(at, 2, 6);
  if (kind == Payload::Record) return is_in(at, 15, 20) || is_in(at, 24, 26) || is_in(at, 34, 42) || is_in(at, 54, 62);
  return kind == Payload::Ip4Header && (is_in(at, 4, 6) || is_in(at, 10, 12) || is_in(at, 20, header_size));
}

bool is_timestamp(int level, int type) {
  return level == SOL_SOCKET && (type == 29 || type == 35 || type == 37 || type == 63 || type == 64 || type == 65);
}

constexpr int kProcess = 4;  // SCM_PIDFD

std::vector<int> numbers_in(const uint8_t* data, size_t size) {
  std::vector<int> numbers(size / sizeof(int));
  memcpy(numbers.data(), data, numbers.size() * sizeof(int));
  return numbers;
}

// What kind of file, and whether exec() closes it.
void describe(std::string& to, int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return print(to, " %s", errno_name(errno).c_str());
  int type = 0;
  socklen_t length = sizeof type;
  if (S_ISFIFO(status.st_mode)) {
    to += " pipe";
  } else if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0) {
    print(to, " socket%d", type);
  } else {
    to += " file";
  }
  if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) to += '+';
}

}  // namespace

void for_each_descriptor(const msghdr& header, const std::function<void(int fd)>& visit) {
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&header); cmsg != nullptr; cmsg = CMSG_NXTHDR(const_cast<msghdr*>(&header), cmsg)) {
    if (cmsg->cmsg_level != SOL_SOCKET || (cmsg->cmsg_type != SCM_RIGHTS && cmsg->cmsg_type != kProcess)) continue;
    if (cmsg->cmsg_len < sizeof(cmsghdr)) return;
    for (int fd : numbers_in(CMSG_DATA(cmsg), cmsg->cmsg_len - sizeof(cmsghdr))) {
      if (fd >= 0) visit(fd);
    }
  }
}

void print(std::string& to, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  to.append(text, std::min(static_cast<size_t>(size), sizeof text - 1));
}

std::string errno_name(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

uint32_t hash_of(const uint8_t* bytes, size_t size) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

void Shower::port(uint16_t network_order) {
  const uint16_t port = ntohs(network_order);
  if (is_named_port(port)) return print(log_, "%u", port);
  const int next = static_cast<int>(ports_.size()) + 1;
  print(log_, "E%d", ports_.try_emplace(port, next).first->second);
}

void Shower::address(const uint8_t* bytes, size_t size) {
  // Of three bytes the last is half a port, which may look untouched.
  if (size == 3) size = 2;
  char text[INET6_ADDRSTRLEN];
  sockaddr_storage storage{};
  memcpy(&storage, bytes, std::min(size, sizeof storage));
  if (size >= 8 && storage.ss_family == AF_INET) {
    sockaddr_in in{};
    memcpy(&in, &storage, sizeof in);
    print(log_, "{%s ", inet_ntop(AF_INET, &in.sin_addr, text, sizeof text));
    port(in.sin_port);
  } else if (size >= 24 && storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    memcpy(&in, &storage, sizeof in);
    print(log_, "{%s ", inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text));
    port(in.sin6_port);
    const uint32_t flow = ntohl(in.sin6_flowinfo);
    // A label that nobody asked for is drawn from a secret of the machine's.
    if (const uint32_t label = flow & 0xfffff; label != 0 && label != 0x12345) {
      print(log_, " label scope %u", in.sin6_scope_id);
    } else {
      print(log_, " flow %x scope %u", flow, in.sin6_scope_id);
    }
  } else if (size >= 12 && storage.ss_family == AF_NETLINK) {
    print(log_, "{netlink %s ", port_name(*reinterpret_cast<const uint32_t*>(bytes + 4)).c_str());
    hex(bytes + 8, size - 8);
  } else if (size > 4 && storage.ss_family == AF_UNIX && bytes[2] == 0 && bytes[3] != 'w') {
    print(log_, "{unix, chosen");  // five digits of the kernel's
  } else if (size >= 4 && (storage.ss_family == AF_INET || storage.ss_family == AF_INET6)) {
    print(log_, "{part of %u ", storage.ss_family);
    uint16_t cut;
    memcpy(&cut, bytes + 2, sizeof cut);
    port(cut);
  } else {
    log_ += '{';
    hex(bytes, size);
  }
  print(log_, " /%zu}", size);
}

void Shower::hex(const uint8_t* bytes, size_t size) {
  if (size > 96) return print(log_, "#%08x", hash_of(bytes, size));
  for (size_t i = 0; i < size; ++i) print(log_, "%02x", bytes[i]);
}

void Shower::payload(uint8_t* bytes, size_t room, Payload kind, size_t at) {
  size_t size = Memory::touched(bytes, room);
  if (kind == Payload::NetlinkRoute || kind == Payload::NetlinkDiag) {
    log_ += netlink_text(bytes, size, kind);
    return;
  }
  if (at == 0 && size != 0) header_size_ = (bytes[0] & 15u) * 4u;
  // What is masked may look as if nobody had touched it.
  while (kind != Payload::SizeAlone && size < room && is_own_of_a_run(kind, at + size, header_size_)) ++size;
  for (size_t i = 0; i < size; ++i) {
    if (is_own_of_a_run(kind, at + i, header_size_)) bytes[i] = 0;
  }
  print(log_, "%zuB:%08x", size, hash_of(bytes, size));
}

void Shower::control(int level, int type, const uint8_t* data, size_t size) {
  print(log_, " [%d:%d ", level, type);
  if (is_timestamp(level, type)) {
    print(log_, "time /%zu]", size);
    return;
  }
  if (level == SOL_SOCKET && (type == SCM_RIGHTS || type == kProcess)) {
    for (int fd : numbers_in(data, size)) describe(log_, fd);
    log_ += ']';
    return;
  }
  const bool is_address = (level == IPPROTO_IP && type == IP_ORIGDSTADDR) || (level == IPPROTO_IPV6 && type == IPV6_ORIGDSTADDR);
  if (level == SOL_SOCKET && type == SCM_CREDENTIALS && size == sizeof(ucred)) {
    ucred who{};
    memcpy(&who, data, sizeof who);
    print(log_, "%s %u %u", who.pid == getpid() ? "self" : who.pid == 0 ? "nobody" : "other", who.uid, who.gid);
  } else if (level == SOL_SOCKET && type == SCM_CREDENTIALS) {
    print(log_, "part /%zu", size);  // of a process's number
  } else if (is_address) {
    address(data, size);
  } else if (level == IPPROTO_IP && type == 23 /* IP_CHECKSUM */ && size == 4) {
    // The halves depend on the identifier, and the whole does not.
    uint16_t halves[2];
    memcpy(halves, data, sizeof halves);
    const uint32_t sum = uint32_t{halves[0]} + halves[1];
    print(log_, "sum %04x", (sum & 0xffff) + (sum >> 16));
  } else if (level == SOL_SOCKET && type == 54 /* SCM_TIMESTAMPING_OPT_STATS */) {
    log_ += "statistics";
  } else if (level == IPPROTO_IP && (type == IP_RECVOPTS || type == IP_RETOPTS) && size != 0 && data[0] == 68) {
    print(log_, "stamps of routers /%zu", size);
  } else if (level == IPPROTO_IPV6 && type == 11 /* IPV6_FLOWINFO */ && size == 4) {
    // The label is drawn from a secret of the machine's.
    print(log_, "class %02x%s", (data[0] << 4 | data[1] >> 4) & 0xff, ((data[1] & 0xf) | data[2] | data[3]) != 0 ? " label" : "");
  } else {
    hex(data, size);
  }
  log_ += ']';
}

void Shower::controls(const msghdr& message) {
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&message); cmsg != nullptr;) {
    const auto at = static_cast<size_t>(reinterpret_cast<uint8_t*>(cmsg) - static_cast<uint8_t*>(message.msg_control));
    const size_t size = std::min(cmsg->cmsg_len, message.msg_controllen - at);
    if (size < sizeof(cmsghdr)) {
      print(log_, " [cmsg_len %zu]", cmsg->cmsg_len);
      return;
    }
    control(cmsg->cmsg_level, cmsg->cmsg_type, CMSG_DATA(cmsg), size - sizeof(cmsghdr));
    cmsg = CMSG_NXTHDR(const_cast<msghdr*>(&message), cmsg);
  }
}

void Shower::message(const Message& message, bool is_receive) {
  log_ += '{';
  argument(message.name);
  print(log_, "/%ld,[", message.name_length);
  for (int size : message.vector) print(log_, "%d ", size);
  print(log_, "]/%ld", message.vector_count);
  for (const Control& one : message.control) {
    print(log_, ",cmsg %d:%d/%ld ", one.level, one.type, static_cast<long>(one.length));
    if (one.slots.empty()) hex(one.data.data(), one.data.size());
    for (size_t i = 0; i < one.slots.size() && i < 4; ++i) print(log_, "s%d ", one.slots[i]);
    if (one.slots.size() > 4) print(log_, "and so on, %zu", one.slots.size());
    if (one.is_own_pid) log_ += " (own)";
  }
  if (is_receive || message.control_room >= 0) print(log_, ",control/%ld", message.control_room);
  print(log_, ",0x%x}", message.flags);
}

void Shower::argument(const Argument& argument) {
  switch (argument.kind) {
    case ArgumentKind::Number:
      return print(log_, argument.value > 4095 ? "0x%lx" : "%ld", argument.value);
    case ArgumentKind::Slot:
      return print(log_, "s%ld", argument.value);
    case ArgumentKind::OwnPid:
      return print(log_, "own");
    case ArgumentKind::Null:
      return print(log_, "NULL");
    case ArgumentKind::Unmapped:
      return print(log_, "bad");
    case ArgumentKind::In:
      return hex(argument.bytes.data(), argument.bytes.size());
    case ArgumentKind::HalfIn:
      return print(log_, "half %zuB/%ld", argument.bytes.size(), argument.value);
    case ArgumentKind::NameOf:
      return print(log_, "name(s%ld)", argument.value);
    case ArgumentKind::NameLength:
      return print(log_, "its length");
    case ArgumentKind::Out:
      return print(log_, "room %ld", argument.value);
    case ArgumentKind::HalfOut:
      return print(log_, "half room %ld", argument.value);
    case ArgumentKind::Data:
      return print(log_, "%ldB", argument.value);
    case ArgumentKind::Address:
      return print(log_, "&address");
    case ArgumentKind::Length:
      return print(log_, "&%ld", argument.value);
    case ArgumentKind::Vector:
    case ArgumentKind::RoomVector:
      return print(log_, "vector");
    case ArgumentKind::Sets:
      return print(log_, "set %lx", argument.value);
    case ArgumentKind::Message:
    case ArgumentKind::Messages:
    case ArgumentKind::Polls:
      return;
  }
}

void Shower::call(int index, const Operation& operation) {
  print(log_, "%d %s(", index, operation.name);
  const char* separator = "";
  for (const Argument& one : operation.arguments) {
    log_ += separator;
    separator = ", ";
    argument(one);
    if (one.kind == ArgumentKind::Message || one.kind == ArgumentKind::Messages) {
      for (const Message& each : operation.messages) message(each, operation.is_receive);
    }
    if (one.kind == ArgumentKind::Vector || one.kind == ArgumentKind::RoomVector) {
      for (int size : operation.vector) print(log_, " %d", size);
    }
    if (one.kind == ArgumentKind::Polls) {
      for (const Poll& each : operation.polls) print(log_, " s%d:%x", each.slot, each.events);
    }
  }
  log_ += ')';
}

}  // namespace walk
