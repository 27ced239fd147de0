// Wide walks: sockets that other walks do not open, options whose values make sense, files and pipes beside the sockets, and the
// control messages that need a right form to be looked at.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kTcp = 6, kUdp = 17, kUdpLite = 136, kRaw = 255, kIcmpv6 = 58;

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* data = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), data, data + sizeof value);
}
Bytes address_bytes(int family, const char* text) {
  Bytes bytes(family == AF_INET ? 4 : 16);
  inet_pton(family, text, bytes.data());
  return bytes;
}
void append_bytes(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
void append_storage(Bytes& bytes, int family, const char* text) {
  Bytes storage(128);
  storage[0] = static_cast<uint8_t>(family);
  const Bytes address = address_bytes(family, text);
  std::copy(address.begin(), address.end(), storage.begin() + (family == AF_INET ? 4 : 8));
  append_bytes(bytes, storage);
}
Bytes text_bytes(const char* text) { return Bytes(text, text + strlen(text) + 1); }

constexpr const char* kGroups4[] = {"224.0.0.251", "224.0.0.251", "239.1.1.1", "232.1.2.3", "127.0.0.1", "224.0.0.1"};
constexpr const char* kSources4[] = {"127.0.0.1", "127.0.0.1", "127.0.0.2", "10.9.8.7", "0.0.0.0"};
constexpr const char* kGroups6[] = {"ff02::fb", "ff02::fb", "ff05::5", "ff01::7", "::1", "ff02::1"};
constexpr const char* kSources6[] = {"::1", "::1", "2001:db8::1", "::"};

// IPv4 options in one block, and IPv6 extension headers, mostly right.
Bytes ip_options(Choice& choose) {
  static const Bytes kBlocks[] = {{},
                                  {1, 1, 1, 0},
                                  {7, 7, 4, 0, 0, 0, 0, 0},
                                  {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                                  {68, 8, 5, 0, 0, 0, 0, 0},
                                  {68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0},
                                  {148, 4, 0, 0},
                                  {131, 7, 4, 127, 0, 0, 1, 0},
                                  {137, 7, 4, 127, 0, 0, 2, 0},
                                  {7, 3, 4, 0},
                                  {200, 4, 1, 2},
                                  {7, 40, 4, 0}};
  return choose.of(kBlocks);
}
Bytes extension(Choice& choose) {
  static const Bytes kHeaders[] = {{0, 0, 1, 4, 0, 0, 0, 0},
                                   {0, 0, 5, 2, 0, 0, 1, 0},
                                   {0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                                   {0, 0, 0xc2, 4, 0, 1, 0, 0},
                                   {0, 2, 1, 4, 0, 0, 0, 0},
                                   {0, 0},
                                   {0, 0, 0x3e, 4, 1, 2, 3, 4},
                                   {}};
  return choose.of(kHeaders);
}
// Of segments, the last first (RFC 8754).
Bytes segment_routing_header(Choice& choose) {
  const int segments = choose.of({1, 1, 2, 3});
  Bytes bytes{0,
              static_cast<uint8_t>(segments * 2),
              4,
              static_cast<uint8_t>(choose.one_in(6) ? choose.below(4) : segments - 1),
              static_cast<uint8_t>(choose.one_in(6) ? choose.below(4) : segments - 1),
              static_cast<uint8_t>(choose.of({0, 0, 0, 8})),
              0,
              0};
  for (int i = 0; i < segments; ++i)
    append_bytes(bytes, address_bytes(AF_INET6, choose.of({"::1", "::1", "2001:db8::1", "fe80::1", "::"})));
  if (choose.one_in(6)) append_bytes(bytes, {1, 6, 0, 0, 0, 0, 0, 0});
  return bytes;
}
Bytes routing_header(Choice& choose) {
  if (choose.one_in(2)) return segment_routing_header(choose);
  Bytes bytes{0, 2, static_cast<uint8_t>(choose.of({0, 0, 2, 3})), static_cast<uint8_t>(choose.of({1, 0, 2})), 0, 0, 0, 0};
  append_bytes(bytes, address_bytes(AF_INET6, "::1"));
  return bytes;
}

Bytes one(int value) {
  Bytes bytes;
  append(bytes, value);
  return bytes;
}

struct Typed {
  int level, name;
  Bytes value;
};

Typed of_socket_level(Choice& choose) {
  Bytes bytes;
  switch (choose.below(9)) {
    case 0:
      append(bytes, choose.of({0, 1, 1, 7}));
      append(bytes, choose.of({0, 0, -1}));
      return {SOL_SOCKET, SO_LINGER, bytes};
    case 1:
      append(bytes, choose.of<int64_t>({0, 0, -1, 5}));
      append(bytes, choose.of<int64_t>({0, 1, 999, 999'999, 1'000'000, -1}));
      return {SOL_SOCKET, choose.of({20, 21, 66, 67}), bytes};
    case 2:
      return {SOL_SOCKET, SO_BINDTODEVICE, text_bytes(choose.of({"lo", "lo", "", "", "nosuch", "a name that is far too long"}))};
    case 3:
      return {SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, one(choose.of({0, 1, 0, 9, -1}))};
    case 4:
      append(bytes, choose.of({0, 1, 11, 5}));
      append(bytes, choose.of({0, 1, 2, 3, 4}));
      return {SOL_SOCKET, 61 /* SO_TXTIME */, bytes};
    case 5:
      return {SOL_SOCKET, choose.of({37, 65}), one(choose.below(1 << 17))};
    case 6:
      append(bytes, choose.of<uint64_t>({0, 1000, ~0ull, 1ull << 32}));
      return {SOL_SOCKET, 47 /* SO_MAX_PACING_RATE */, bytes};
    case 7:
      return {SOL_SOCKET, choose.of({7, 8, 32, 33}), one(choose.of({0, 1, 2304, 4608, 10000, 100000, 1 << 30}))};
    default:
      return {SOL_SOCKET,
              choose.of({SO_REUSEADDR, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE, SO_PRIORITY, SO_MARK, SO_TIMESTAMP,
                         SO_TIMESTAMPNS, 40 /* RXQ_OVFL */, 42 /* PEEK_OFF */, 45 /* SELECT_ERR_QUEUE */, 60 /* ZEROCOPY */,
                         75 /* RCVMARK */, 82 /* RCVPRIORITY */, SO_DONTROUTE, SO_NO_CHECK}),
              one(choose.of({0, 1, 1, 1, 2, 6}))};
  }
}

Typed of_ip_groups(Choice& choose) {
  Bytes bytes;
  const char* group = choose.of(kGroups4);
  const char* source = choose.of(kSources4);
  const int interface = choose.of({0, 1, 1, 1, 9});
  switch (choose.below(6)) {
    case 0:
      append_bytes(bytes, address_bytes(AF_INET, group));
      append_bytes(bytes, address_bytes(AF_INET, choose.of(kSources4)));
      append(bytes, interface);
      return {IPPROTO_IP, choose.of({IP_ADD_MEMBERSHIP, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF}), bytes};
    case 1:
      append_bytes(bytes, address_bytes(AF_INET, group));
      append_bytes(bytes, address_bytes(AF_INET, choose.of({"127.0.0.1", "127.0.0.1", "0.0.0.0"})));
      append_bytes(bytes, address_bytes(AF_INET, source));
      return {IPPROTO_IP, choose.of({36, 37, 38, 39, 39, 40}), bytes};
    case 2:
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET, group);
      return {IPPROTO_IP, choose.of({42, 42, 45}), bytes};
    case 3:
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET, group);
      append_storage(bytes, AF_INET, source);
      return {IPPROTO_IP, choose.of({43, 44, 46, 46, 47}), bytes};
    case 4: {
      const int count = choose.below(3);
      append_bytes(bytes, address_bytes(AF_INET, group));
      append_bytes(bytes, address_bytes(AF_INET, "127.0.0.1"));
      append(bytes, choose.of({0, 1, 1, 2}));
      append(bytes, choose.one_in(8) ? 100 : count);
      for (int i = 0; i < count; ++i) append_bytes(bytes, address_bytes(AF_INET, choose.of(kSources4)));
      return {IPPROTO_IP, 41 /* IP_MSFILTER */, bytes};
    }
    default: {
      const int count = choose.below(3);
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET, group);
      append(bytes, choose.of({0, 1, 1, 2}));
      append(bytes, choose.one_in(8) ? 100 : count);
      for (int i = 0; i < count; ++i) append_storage(bytes, AF_INET, choose.of(kSources4));
      return {IPPROTO_IP, 48 /* MCAST_MSFILTER */, bytes};
    }
  }
}

Typed of_ip(Choice& choose) {
  if (choose.one_in(2)) return of_ip_groups(choose);
  switch (choose.below(6)) {
    case 0:
      return {IPPROTO_IP, IP_OPTIONS, ip_options(choose)};
    case 1:
      return {IPPROTO_IP, IP_MTU_DISCOVER, one(choose.below(7))};
    case 2:
      return {IPPROTO_IP, 50 /* IP_UNICAST_IF */, one(static_cast<int>(htonl(static_cast<uint32_t>(choose.of({0, 1, 1, 9})))))};
    case 3:
      return {IPPROTO_IP, choose.of({IP_TTL, IP_MULTICAST_TTL, IP_TOS, 21 /* MINTTL */}),
              one(choose.of({-1, 0, 1, 2, 64, 255, 256}))};
    case 4:
      return {IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */, one(choose.of({0, 4000 | 4003 << 16, 4003 | 4000 << 16, 4001 << 16}))};
    default:
      return {
          IPPROTO_IP,
          choose.of({IP_PKTINFO, IP_RECVERR, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, 20 /* ORIGDSTADDR */,
                     IP_HDRINCL, IP_MULTICAST_LOOP, 49 /* MULTICAST_ALL */, IP_FREEBIND, IP_TRANSPARENT, 22 /* NODEFRAG */,
                     23 /* CHECKSUM */, 24 /* NO_PORT */, 25 /* RECVFRAGSIZE */, 26 /* RFC4884 */, IP_ROUTER_ALERT}),
          one(choose.of({0, 1, 1, 1}))};
  }
}

Typed of_ipv6_groups(Choice& choose) {
  Bytes bytes;
  const char* group = choose.of(kGroups6);
  const int interface = choose.of({0, 1, 1, 1, 9});
  switch (choose.below(4)) {
    case 0:
      append_bytes(bytes, address_bytes(AF_INET6, group));
      append(bytes, interface);
      return {IPPROTO_IPV6, choose.of({20, 20, 21, 27, 28}), bytes};
    case 1:
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET6, group);
      return {IPPROTO_IPV6, choose.of({42, 42, 45}), bytes};
    case 2:
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET6, group);
      append_storage(bytes, AF_INET6, choose.of(kSources6));
      return {IPPROTO_IPV6, choose.of({43, 44, 46, 46, 47}), bytes};
    default: {
      const int count = choose.below(3);
      append(bytes, int64_t{interface});
      append_storage(bytes, AF_INET6, group);
      append(bytes, choose.of({0, 1, 1, 2}));
      append(bytes, count);
      for (int i = 0; i < count; ++i) append_storage(bytes, AF_INET6, choose.of(kSources6));
      return {IPPROTO_IPV6, 48, bytes};
    }
  }
}

Typed of_ipv6(Choice& choose, bool is_heard) {
  if (!is_heard && choose.one_in(3)) return of_ipv6_groups(choose);
  Bytes bytes;
  switch (choose.below(8)) {
    case 0:
      append_bytes(bytes, address_bytes(AF_INET6, choose.of({"::", "::1", "::1", "2001:db8::2", "fe80::2", "::ffff:127.0.0.1"})));
      append(bytes, choose.of({0, 1, 1, 9}));
      return {IPPROTO_IPV6, 50 /* PKTINFO */, bytes};
    case 1:
      return {IPPROTO_IPV6, choose.of({54, 55, 59}), extension(choose)};
    case 2:
      return {IPPROTO_IPV6, 57, choose.one_in(4) ? Bytes{} : routing_header(choose)};
    case 3:
      return {IPPROTO_IPV6, choose.of({16, 18, 67, 23, 24, 72}), one(choose.of({-1, 0, 1, 2, 3, 5, 64, 255, 256, 1280, 1500}))};
    case 4:
      return {IPPROTO_IPV6, choose.of({17, 17, 19, 29}), one(choose.of({0, 1, 9}))};
    case 5:
      return {IPPROTO_IPV6, 76 /* UNICAST_IF */, one(static_cast<int>(htonl(static_cast<uint32_t>(choose.of({0, 1, 1, 9})))))};
    case 6:
      return {IPPROTO_IPV6, 7 /* CHECKSUM */, one(choose.of({-1, 0, 2, 3, 6, 100}))};
    default:
      return {IPPROTO_IPV6,
              choose.of({25 /* RECVERR */,
                         25,
                         49 /* RECVPKTINFO */,
                         51,
                         53,
                         56,
                         58,
                         60 /* RECVPATHMTU */,
                         61,
                         62,
                         66 /* RECVTCLASS */,
                         26 /* V6ONLY */,
                         33 /* FLOWINFO_SEND */,
                         11 /* FLOWINFO */,
                         70 /* AUTOFLOWLABEL */,
                         74 /* ORIGDSTADDR */,
                         75 /* TRANSPARENT */,
                         77 /* FRAGSIZE */,
                         78 /* FREEBIND */,
                         2,
                         3,
                         4,
                         5,
                         8,
                         31 /* RFC4884 */,
                         22,
                         36}),
              one(choose.of({0, 1, 1, 1}))};
  }
}

Typed of_transport(Kind kind, Choice& choose) {
  Bytes bytes;
  if (is_tcp(kind)) {
    switch (choose.below(4)) {
      case 0:
        return {kTcp, 13, text_bytes(choose.of({"reno", "cubic", "nosuch", ""}))};
      case 1:
        return {kTcp, choose.of({4, 5, 6, 7, 8, 9, 18}), one(choose.of({-1, 0, 1, 2, 10, 127, 128, 255, 32767, 100000}))};
      case 2:
        return {kTcp, choose.of({23, 25, 2, 10}), one(choose.of({0, 1, 100, 1000, 40000}))};
      default:
        return {kTcp, choose.of({1, 1, 3, 12, 16, 17, 27, 28, 30, 34, 36, 37}), one(choose.of({0, 1, 1, 2}))};
    }
  }
  if (kind == Kind::Udp4 || kind == Kind::Udp6)
    return {kUdp, choose.of({101, 102, 103, 104}), one(choose.of({0, 1, 1, 10, 100, 1472, 65535, 65536}))};
  if (kind == Kind::UdpLite4 || kind == Kind::UdpLite6)
    return {kUdpLite, choose.of({10, 11}), one(choose.of({0, 1, 7, 8, 9, 20, 65535, 65536, -1}))};
  if (kind == Kind::Raw4 || kind == Kind::RawIcmp4 || kind == Kind::RawWhole)
    return {choose.of({kRaw, kRaw, 0}), choose.of({1, 1, 3}), one(choose.of({0, 1, 0x100, 0x109, -1}))};
  append(bytes, choose.of<uint64_t>({0, ~0ull, 1}));
  append(bytes, choose.of<uint64_t>({0, ~0ull}));
  append(bytes, choose.of<uint64_t>({0, ~0ull, 3}));
  append(bytes, choose.of<uint64_t>({0, ~0ull}));
  return {kIcmpv6, 1, bytes};
}

}  // namespace

void Generator::set_typed_option(int slot) {
  const Kind kind = slots_[slot].kind;
  Typed typed;
  do {
    const int dice = choose_.below(10);
    if (dice < 3) {
      typed = of_socket_level(choose_);
    } else if (dice < 5) {
      typed = of_transport(kind, choose_);
    } else if (is_v6(kind) ? dice < 9 : dice == 9) {
      typed = of_ipv6(choose_, may_hear_reports());
    } else {
      typed = of_ip(choose_);
    }
  } while (is_left_out(slot, option_key(typed.level, typed.name)));
  const auto size = static_cast<int64_t>(typed.value.size());
  typed.value.resize(typed.value.size() + 16);
  add({SYS_setsockopt,
       "setsockopt",
       {slot_argument(slot), number(typed.level), number(typed.name), pointer_or_bad({ArgumentKind::In, 0, typed.value}),
        number(choose_.one_in(20) ? choose_.below(static_cast<int>(size) + 8) : size)}});
}

// Bytes are only added: what sendfile() sent is still the file's until it is received, and would show what is written over it.
void Generator::open_file() {
  const int slot = free_slot();
  const char* path = choose_.of({"p0", "p1", "p2"});
  Operation call{SYS_open, "open", {{ArgumentKind::In, 0, text_bytes(path)}, number(O_CREAT | O_RDWR | O_APPEND), number(0600)}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {Kind::File};
}

void Generator::use_file(int slot) {
  const int size = choose_.of({1, 10, 100, 5000}), dice = choose_.below(8);
  if (dice < 3) return add({SYS_write, "write", {slot_argument(slot), {ArgumentKind::Data, size}, number(size)}});
  if (dice < 5)
    return add({SYS_lseek, "lseek", {slot_argument(slot), number(choose_.of({0, 0, 1, 50})), number(choose_.below(3))}});
  if (dice < 7) return send_file(any_slot(), slot);
  close(slot);
}

void Generator::send_file(int out, int in) {
  Bytes offset;
  append(offset, choose_.of<int64_t>({0, 0, 1, 10, 5000, -1}));
  const Argument where = choose_.one_in(2) ? Argument{ArgumentKind::Null} : pointer_or_bad({ArgumentKind::In, 0, offset});
  const int size = choose_.of({0, 1, 7, 100, 1000});
  if (is_tcp(slots_[out].kind)) slots_[out].sent += size;
  add({SYS_sendfile, "sendfile", {slot_argument(out), slot_argument(in), where, number(size)}});
}

void Generator::tee() {
  add({SYS_tee,
       "tee",
       {slot_argument(any_slot()), slot_argument(any_slot()), number(choose_.of({0, 1, 100})), number(SPLICE_F_NONBLOCK)}});
}

std::vector<Control> Generator::formed_controls(int slot) {
  const auto control = [](int level, int type, Bytes data) { return Control{level, type, 16 + data.size(), data}; };
  std::vector<Control> list;
  const int count = choose_.one_in(4) ? 2 : 1;
  for (int i = 0; i < count; ++i) {
    const bool six = is_v6(slots_[slot].kind) != choose_.one_in(8);
    switch (choose_.below(5)) {
      case 0:
        list.push_back(six ? control(IPPROTO_IPV6, choose_.of({54, 59, 55, 3, 4}), extension(choose_))
                           : control(IPPROTO_IP, IP_RETOPTS, ip_options(choose_)));
        break;
      case 1:
        list.push_back(six ? control(IPPROTO_IPV6, choose_.of({57, 5}), routing_header(choose_))
                           : control(IPPROTO_IP, 52 /* IP_PROTOCOL */, one(choose_.of({0, 1, 17, 253, 256}))));
        break;
      case 2:
        list.push_back(six ? control(IPPROTO_IPV6, 11, one(static_cast<int>(htonl(0x12345))))
                           : control(IPPROTO_IP, IP_TTL, one(choose_.of({1, 64, 255}))));
        break;
      case 3:
        list.push_back(
            control(SOL_SOCKET, choose_.of({SO_PRIORITY, SO_TIMESTAMPING}), one(choose_.of({0, 1, 2, 6, 0x10, 0x92}))));
        break;
      default: {
        Bytes time;
        append(time, choose_.of<uint64_t>({0, 1, ~0ull}));
        list.push_back(control(SOL_SOCKET, 61 /* SCM_TXTIME */, time));
      }
    }
  }
  return list;
}

void Generator::send_formed(int slot) {
  Operation call{SYS_sendmsg, "sendmsg", {slot_argument(slot), {ArgumentKind::Message}, number(send_flags(slot))}};
  call.messages.push_back(outgoing(slot));
  call.messages[0].control = formed_controls(slot);
  call.messages[0].control_room = -1;
  keep_to_peer(slot, call);
  add(call);
}

// What came back, with all there is to tell of it.
void Generator::receive_report(int slot) {
  Operation call{SYS_recvmsg, "recvmsg", {slot_argument(slot), {ArgumentKind::Message}, number(MSG_ERRQUEUE | receive_flags())}};
  Message message{};
  message.name = {ArgumentKind::Address, 128};
  message.name_length = 128;
  message.vector = {choose_.of({0, 1, 8, 100, 2000})};
  message.vector_count = 1;
  message.control_room = choose_.one_in(6) ? choose_.of({0, 16, 40, 60}) : 512;
  message.flags = 0x5a;
  call.messages.push_back(message);
  call.is_receive = true;
  add(call);
  set_payload(slot);
}

void Generator::wide_step() {
  int open = 0;
  for (const Slot& slot : slots_) open += slot.kind != Kind::None;
  if (open < 4 || choose_.one_in(25)) {
    const int dice = choose_.below(10);
    return dice == 0 ? open_file() : dice == 1 ? open_pipe() : open_something();
  }
  const int slot = any_slot();
  if (slots_[slot].kind == Kind::Pipe) return use_pipe(slot);
  if (slots_[slot].kind == Kind::File) return use_file(slot);
  const int dice = choose_.below(100);
  if (dice < 16) return set_typed_option(slot);
  if (dice < 21) return send_formed(slot);
  if (dice < 25) return receive_report(slot);
  if (dice < 28) return splice(slot);
  if (dice < 29) return tee();
  if (dice < 30) return send_file(slot, any_slot());
  step();
}

}  // namespace walk
