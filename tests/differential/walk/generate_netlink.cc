// Walks over AF_NETLINK: what NETLINK_ROUTE is asked and told of the walk's own network, right and wrong headers and attributes,
// groups that are joined, answers that are peeked at and cut short; and NETLINK_SOCK_DIAG about the walk's own sockets.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kRoute = 0, kDiag = 4, kNetlinkLevel = 270;
constexpr const char* kAddresses4[] = {"10.1.0.1", "10.1.0.1", "10.1.0.2", "10.2.0.1", "127.0.0.1", "224.0.0.1", "0.0.0.0"};
constexpr const char* kAddresses6[] = {"2001:db8::1", "2001:db8::1", "2001:db8:1::2", "fe80::7", "::1", "ff02::1", "::"};

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* data = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), data, data + sizeof value);
}
template <typename T>
Bytes of(const T& value) {
  Bytes bytes;
  append(bytes, value);
  return bytes;
}
Bytes text(const char* string) { return Bytes(string, string + strlen(string) + 1); }

void attribute(Bytes& to, uint16_t type, const Bytes& value) {
  append(to, static_cast<uint16_t>(4 + value.size()));
  append(to, type);
  to.insert(to.end(), value.begin(), value.end());
  to.resize((to.size() + 3) & ~size_t{3});
}

Bytes address(Choice& choose, int family) {
  Bytes bytes(family == AF_INET6 ? 16 : 4);
  inet_pton(family == AF_INET6 ? AF_INET6 : AF_INET, family == AF_INET6 ? choose.of(kAddresses6) : choose.of(kAddresses4),
            bytes.data());
  return bytes;
}

// One pair, whose other end stays down: nothing is sent or heard at a time of its own. Without counts an answer about all links
// is one datagram.
const char* link_name(Choice& choose) { return choose.of({"d0", "d0", "d0", "lo", "d2"}); }

Bytes link(Choice& choose, int type) {
  ifinfomsg message{};
  message.ifi_family = static_cast<uint8_t>(choose.one_in(20) ? choose.of<int>({AF_INET, AF_PACKET, 200}) : AF_UNSPEC);
  const bool is_new = type == RTM_NEWLINK || type == RTM_SETLINK;
  message.ifi_index = choose.of({0, 0, 1, is_new ? 1 : 2, choose.one_in(5) ? choose.of({9, -1}) : 0});
  if (is_new && choose.one_in(2)) message.ifi_flags = IFF_UP, message.ifi_change = choose.one_in(2) ? IFF_UP : 0;
  if (is_new && choose.one_in(4)) message.ifi_change = IFF_UP;
  Bytes bytes = of(message);
  if (type != RTM_GETLINK && choose.one_in(15)) return Bytes(bytes.begin(), bytes.begin() + choose.of({0, 1, 8, 15}));
  if (message.ifi_index == 0 || choose.one_in(10)) attribute(bytes, IFLA_IFNAME, text(link_name(choose)));
  if (type == RTM_GETLINK) attribute(bytes, 29 /* EXT_MASK */, of(choose.of({8, 9})));
  if (type == RTM_NEWLINK && choose.one_in(2)) {
    attribute(bytes, IFLA_ADDRESS, Bytes{2, 0, 0, 0, 0, 7});
    ifinfomsg far{};
    Bytes info, data, peer = of(far);
    attribute(peer, IFLA_IFNAME, text("d1"));
    attribute(peer, IFLA_ADDRESS, Bytes{2, 0, 0, 0, 0, 8});
    attribute(data, 1 /* VETH_INFO_PEER */, peer);
    attribute(info, IFLA_INFO_KIND, text(choose.one_in(8) ? "nothing" : "veth"));
    attribute(info, IFLA_INFO_DATA, data);
    attribute(bytes, IFLA_LINKINFO, info);
  }
  if (is_new && choose.one_in(6)) attribute(bytes, IFLA_MTU, of(choose.of({1280, 1500, 9000, 65536})));
  if (is_new && choose.one_in(10)) attribute(bytes, IFLA_TXQLEN, of(choose.of({0, 7, 1000, -1})));
  return bytes;
}

Bytes interface_address(Choice& choose, int type) {
  ifaddrmsg message{};
  const int family = choose.of<int>({AF_INET, AF_INET, AF_INET6, choose.one_in(6) ? AF_UNSPEC : AF_INET6});
  message.ifa_family = static_cast<uint8_t>(family);
  message.ifa_prefixlen = static_cast<uint8_t>(choose.of({24, 24, 64, 32, choose.one_in(5) ? choose.of({0, 33, 128, 129}) : 24}));
  message.ifa_index = static_cast<uint32_t>(choose.of({1, 1, 2, 2, choose.one_in(5) ? choose.of({0, 9}) : 2}));
  if (choose.one_in(8)) message.ifa_scope = static_cast<uint8_t>(choose.of<int>({RT_SCOPE_LINK, RT_SCOPE_HOST, 77}));
  if (choose.one_in(8))
    message.ifa_flags = static_cast<uint8_t>(choose.of<int>({IFA_F_NODAD, IFA_F_PERMANENT, IFA_F_SECONDARY, 0xff}));
  Bytes bytes = of(message);
  if (choose.one_in(15)) return Bytes(bytes.begin(), bytes.begin() + choose.of({0, 1, 7}));
  if (type == RTM_GETADDR && family != AF_INET6) return bytes;
  if (!choose.one_in(12)) attribute(bytes, IFA_LOCAL, address(choose, family));
  if (choose.one_in(3)) attribute(bytes, IFA_ADDRESS, address(choose, family));
  if (choose.one_in(6)) attribute(bytes, IFA_BROADCAST, address(choose, family));
  if (choose.one_in(8)) attribute(bytes, IFA_LABEL, text(choose.of({"d0", "d0:1", "lo", "averylongnamethatislong"})));
  if (choose.one_in(8)) attribute(bytes, IFA_FLAGS, of(choose.of<int>({IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_MCAUTOJOIN, 0})));
  if (choose.one_in(8)) attribute(bytes, IFA_RT_PRIORITY, of(choose.of({0, 5, 5000})));
  if (choose.one_in(10)) attribute(bytes, 11 /* IFA_PROTO */, Bytes{static_cast<uint8_t>(choose.of({0, 1, 7}))});
  if (choose.one_in(10)) {
    const uint32_t lifetimes[4] = {choose.of({~0u, 0u, 500000u}), choose.of({~0u, 0u, 900000u}), 0, 0};
    attribute(bytes, IFA_CACHEINFO, of(lifetimes));
  }
  return bytes;
}

Bytes route(Choice& choose, int type) {
  rtmsg message{};
  const int family = choose.of<int>({AF_INET, AF_INET, AF_INET6, choose.one_in(6) ? AF_UNSPEC : AF_INET6});
  const bool is_question = type == RTM_GETROUTE;
  message.rtm_family = static_cast<uint8_t>(family);
  message.rtm_dst_len =
      static_cast<uint8_t>(is_question ? choose.of({0, 32, family == AF_INET6 ? 128 : 32})
                                       : choose.of({0, 16, 24, 32, choose.one_in(6) ? choose.of({33, 129}) : 24}));
  if (choose.one_in(12)) message.rtm_src_len = static_cast<uint8_t>(choose.of({1, 32, 128}));
  if (choose.one_in(12)) message.rtm_tos = static_cast<uint8_t>(choose.of({4, 16, 255}));
  if (!is_question) {
    message.rtm_table =
        static_cast<uint8_t>(choose.of<int>({RT_TABLE_MAIN, RT_TABLE_MAIN, RT_TABLE_MAIN, RT_TABLE_LOCAL, 77, 0}));
    message.rtm_protocol = static_cast<uint8_t>(choose.of<int>({RTPROT_BOOT, RTPROT_STATIC, RTPROT_STATIC, 0}));
    message.rtm_scope =
        static_cast<uint8_t>(choose.of<int>({RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_LINK, RT_SCOPE_HOST, 255}));
    message.rtm_type = static_cast<uint8_t>(choose.of<int>({RTN_UNICAST, RTN_UNICAST, RTN_UNICAST, RTN_UNICAST, RTN_BLACKHOLE,
                                                            RTN_UNREACHABLE, RTN_LOCAL, RTN_PROHIBIT, RTN_THROW, 13, 0}));
    // Of IPv6 these are types like others.
    if (family != AF_INET && (message.rtm_type == 0 || message.rtm_type == 13)) message.rtm_type = RTN_UNICAST;
    if (choose.one_in(10)) message.rtm_flags = choose.of<uint32_t>({RTNH_F_ONLINK, RTNH_F_DEAD, RTM_F_CLONED, 0x1});
  } else if (choose.one_in(6)) {
    message.rtm_flags = choose.of<uint32_t>({RTM_F_LOOKUP_TABLE, RTM_F_CLONED});
  }
  Bytes bytes = of(message);
  if (choose.one_in(15)) return Bytes(bytes.begin(), bytes.begin() + choose.of({0, 1, 11}));
  if (!choose.one_in(8)) attribute(bytes, RTA_DST, address(choose, family));
  if (choose.one_in(12)) attribute(bytes, RTA_SRC, address(choose, family));
  if (!choose.one_in(3)) attribute(bytes, RTA_OIF, of(choose.of({1, 2, 2, choose.one_in(4) ? choose.of({0, 9}) : 2})));
  if (choose.one_in(4) && !is_question) attribute(bytes, RTA_GATEWAY, address(choose, family));
  if (choose.one_in(6)) attribute(bytes, RTA_PRIORITY, of(choose.of({0, 5, 1024})));
  if (choose.one_in(10)) attribute(bytes, RTA_PREFSRC, address(choose, family));
  if (choose.one_in(10)) attribute(bytes, RTA_TABLE, of(choose.of({0, 254, 255, 77, 1000})));
  if (choose.one_in(12) && !is_question) {
    Bytes metrics;
    attribute(metrics, static_cast<uint16_t>(choose.of<int>({RTAX_MTU, RTAX_HOPLIMIT, RTAX_INITCWND, RTAX_QUICKACK, 18})),
              of(choose.of({0, 1, 1400, 300})));
    attribute(bytes, RTA_METRICS, metrics);
  }
  return bytes;
}

Bytes neighbour(Choice& choose, int type) {
  ndmsg message{};
  const int family = choose.of<int>({AF_INET, AF_INET, AF_INET6, choose.one_in(6) ? AF_UNSPEC : AF_INET6});
  message.ndm_family = static_cast<uint8_t>(family);
  // A neighbour of lo needs no resolution, and lxnet has none.
  message.ndm_ifindex = choose.of({2, 2, 2, type == RTM_NEWNEIGH ? 2 : 1, choose.one_in(4) ? choose.of({0, 9}) : 2});
  if (type == RTM_NEWNEIGH)
    message.ndm_state = static_cast<uint16_t>(choose.of<int>({NUD_PERMANENT, NUD_PERMANENT, NUD_NOARP, 0}));
  if (choose.one_in(10)) message.ndm_flags = static_cast<uint8_t>(choose.of<int>({NTF_PROXY, NTF_ROUTER, NTF_USE}));
  Bytes bytes = of(message);
  if (choose.one_in(15)) return Bytes(bytes.begin(), bytes.begin() + choose.of({0, 1, 11}));
  if (!choose.one_in(10)) attribute(bytes, NDA_DST, address(choose, family));
  if (type == RTM_NEWNEIGH && !choose.one_in(6))
    attribute(bytes, NDA_LLADDR, Bytes(static_cast<size_t>(choose.of({6, 6, 6, 5, 8})), 2));
  if (choose.one_in(12)) attribute(bytes, NDA_PROBES, of(choose.of({0, 3})));
  return bytes;
}

Bytes rule(Choice& choose, int type) {
  Bytes bytes(12);
  const int family = choose.of<int>({AF_INET, AF_INET, AF_INET6, choose.one_in(6) ? 200 : AF_INET6});
  bytes[0] = static_cast<uint8_t>(family);
  bytes[4] = static_cast<uint8_t>(choose.of({254, 254, 77, 0}));
  bytes[7] = static_cast<uint8_t>(choose.of({1, 1, 1, 6, 7, choose.one_in(4) ? choose.of({0, 2, 99}) : 8}));
  if (choose.one_in(6)) bytes[1] = static_cast<uint8_t>(choose.of({8, 32, 33, 128}));
  if (choose.one_in(6)) bytes[2] = static_cast<uint8_t>(choose.of({8, 32, 33, 128}));
  if (choose.one_in(10)) bytes[3] = static_cast<uint8_t>(choose.of({4, 16, 255}));
  if (choose.one_in(10)) bytes[8] = 2;
  if (choose.one_in(15)) return Bytes(bytes.begin(), bytes.begin() + choose.of({0, 1, 11}));
  if (type == RTM_GETRULE) return bytes;
  if (!choose.one_in(4)) attribute(bytes, 6, of(choose.of({0, 100, 100, 200, 32766})));
  if (choose.one_in(5)) attribute(bytes, 10, of(choose.of({0, 7})));
  if (choose.one_in(8)) attribute(bytes, 16, of(choose.of({0, 7, -1})));
  if (choose.one_in(5) || bytes[1] != 0) attribute(bytes, 1, address(choose, family));
  if (choose.one_in(8) || bytes[2] != 0) attribute(bytes, 2, address(choose, family));
  if (choose.one_in(8)) attribute(bytes, 3, text("lo"));
  if (choose.one_in(8)) attribute(bytes, 17, text("lo"));
  if (choose.one_in(8)) attribute(bytes, 15, of(choose.of({0, 77, 254, 1000})));
  if (choose.one_in(12)) attribute(bytes, 14, of(choose.of({0, 24, -1})));
  if (choose.one_in(12)) attribute(bytes, 21, Bytes{static_cast<uint8_t>(choose.of({0, 2, 4}))});
  return bytes;
}

// An attribute that is too short or too long, of a type nobody knows, nested, or of a length that is not there.
void spoil_attributes(Choice& choose, Bytes& bytes) {
  const int dice = choose.below(4);
  const auto type = static_cast<uint16_t>(choose.of({0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 15, 20, 29, 60, 1000, 0x8001, 0x4002}));
  if (dice == 0) attribute(bytes, type, Bytes(static_cast<size_t>(choose.of({0, 1, 2, 3, 5, 8, 40})), 1));
  if (dice == 1) bytes.insert(bytes.end(), {static_cast<uint8_t>(choose.of({0, 3, 9, 255})), 0, 1, 0});
  if (dice == 2) bytes.resize(bytes.size() + static_cast<size_t>(choose.of({1, 2, 3, 4})));
  if (dice == 3 && bytes.size() > 4) bytes.resize(bytes.size() - static_cast<size_t>(choose.of({1, 2, 4})));
}

constexpr int kRouteTypes[] = {RTM_GETLINK,  RTM_GETLINK,  RTM_NEWLINK,  RTM_NEWLINK,  RTM_NEWLINK,  RTM_SETLINK,  RTM_DELLINK,
                               RTM_GETADDR,  RTM_GETADDR,  RTM_NEWADDR,  RTM_NEWADDR,  RTM_NEWADDR,  RTM_DELADDR,  RTM_GETROUTE,
                               RTM_GETROUTE, RTM_GETROUTE, RTM_NEWROUTE, RTM_NEWROUTE, RTM_NEWROUTE, RTM_DELROUTE, RTM_GETNEIGH,
                               RTM_GETNEIGH, RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETRULE,  RTM_NEWRULE,  RTM_DELRULE};

Bytes body_of(Choice& choose, int type) {
  switch ((type - RTM_BASE) / 4) {
    case 0:
      return link(choose, type);
    case 1:
      return interface_address(choose, type);
    case 2:
      return route(choose, type);
    case 3:
      return neighbour(choose, type);
    default:
      return rule(choose, type);
  }
}

int request_flags(Choice& choose, int type) {
  int flags = choose.one_in(20) ? 0 : NLM_F_REQUEST;
  if (choose.one_in(2)) flags |= NLM_F_ACK;
  if (choose.one_in(20)) flags |= choose.of<int>({NLM_F_ECHO, NLM_F_MULTI, 0x8000});
  if (type % 4 == 2) return choose.one_in(3) ? flags : choose.one_in(10) ? flags | NLM_F_ROOT : flags | NLM_F_DUMP;
  if (type % 4 == 0)
    flags |= choose.of<int>({NLM_F_CREATE, NLM_F_CREATE | NLM_F_EXCL, NLM_F_CREATE | NLM_F_EXCL, NLM_F_REPLACE,
                             NLM_F_CREATE | NLM_F_REPLACE, NLM_F_CREATE | NLM_F_APPEND, 0});
  return flags;
}

Bytes message(Choice& choose, int type, int flags, const Bytes& body) {
  nlmsghdr head{};
  head.nlmsg_len = static_cast<uint32_t>(sizeof head + body.size());
  if (choose.one_in(30))
    head.nlmsg_len = static_cast<uint32_t>(
        choose.of({0, 15, 16, 17, static_cast<int>(head.nlmsg_len) - 1, static_cast<int>(head.nlmsg_len) + 4, 100000}));
  head.nlmsg_type = static_cast<uint16_t>(type);
  head.nlmsg_flags = static_cast<uint16_t>(flags);
  head.nlmsg_seq = static_cast<uint32_t>(choose.below(100));
  if (choose.one_in(15)) head.nlmsg_pid = static_cast<uint32_t>(choose.of({1, 4321}));
  Bytes bytes = of(head);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

Bytes route_request(Choice& choose) {
  int type = choose.of(kRouteTypes);
  Bytes body = body_of(choose, type);
  if (choose.one_in(12)) spoil_attributes(choose, body);
  const int flags = request_flags(choose, type);
  if (choose.one_in(30)) type = choose.of<int>({NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, 15, RTM_NEWLINK + 200, 65535});
  return message(choose, type, flags, body);
}

Bytes internet_question(Choice& choose, int family) {
  Bytes body(56);
  body[0] = static_cast<uint8_t>(family);
  body[1] = static_cast<uint8_t>(choose.of({6, 6, 17, 17, choose.one_in(4) ? choose.of({0, 1}) : 17}));
  body[2] = static_cast<uint8_t>(choose.one_in(4) ? 1 << choose.of({0, 6, 4, 5, 7}) : 0);
  const uint32_t states = choose.one_in(3) ? static_cast<uint32_t>(choose.of({0, 1 << 1, 1 << 7, 1 << 10})) : ~0u;
  memcpy(body.data() + 4, &states, sizeof states);
  if (choose.one_in(3)) {
    const uint16_t port = htons(static_cast<uint16_t>(choose.of({4000, 4001, 4002})));
    memcpy(body.data() + 8, &port, sizeof port);
    if (family == AF_INET && choose.one_in(2)) body[12] = 127, body[15] = 1;
    memset(body.data() + 48, 0xff, 8);
  }
  return body;
}

Bytes diag_request(Choice& choose) {
  const int family = choose.of<int>({AF_INET, AF_INET, AF_INET6, AF_INET6, AF_UNIX, choose.one_in(4) ? 200 : AF_UNIX});
  Bytes body;
  if (family == AF_UNIX) {
    body.resize(24);
    body[0] = AF_UNIX;
    const uint32_t states = choose.one_in(4) ? static_cast<uint32_t>(choose.of({0, 1 << 1, 1 << 7, 1 << 10})) : ~0u;
    const uint32_t show = static_cast<uint32_t>(choose.of({0, 1, 5, 16, 64, 0x55}));
    memcpy(body.data() + 4, &states, sizeof states);
    memcpy(body.data() + 12, &show, sizeof show);
  } else {
    body = internet_question(choose, family);
  }
  if (choose.one_in(12)) body.resize(static_cast<size_t>(choose.of({0, 1, 2, 20})));
  const int flags = NLM_F_REQUEST | (choose.one_in(5) ? 0 : NLM_F_DUMP) | (choose.one_in(3) ? NLM_F_ACK : 0);
  return message(choose, choose.one_in(20) ? choose.of({18, 19, 21, 22}) : 20, flags, body);
}

Bytes netlink_address(Choice& choose) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (choose.one_in(5)) address.nl_pid = static_cast<uint32_t>(choose.of({4321, 4322, 1}));
  if (choose.one_in(2)) address.nl_groups = choose.of<uint32_t>({1, 1 << 4, 1 << 6, 1 << 8 | 1 << 10, 0x555, ~0u});
  if (choose.one_in(20)) address.nl_family = static_cast<uint16_t>(choose.of<int>({AF_UNSPEC, AF_INET, 99}));
  return of(address);
}

}  // namespace

void Generator::open_netlink() {
  const int slot = free_slot();
  const bool is_diag = choose_.one_in(4);
  const int protocol = choose_.one_in(20) ? choose_.of({32, 22, 31, -1}) : is_diag ? kDiag : kRoute;
  const int type = choose_.one_in(20) ? SOCK_STREAM : choose_.of<int>({SOCK_RAW, SOCK_DGRAM});
  Operation call{SYS_socket, "socket", {number(AF_NETLINK), number(type | SOCK_NONBLOCK), number(protocol)}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {is_diag ? Kind::NetlinkDiag : Kind::NetlinkRoute};
}

void Generator::ask(int slot) {
  const auto request = [&] { return slots_[slot].kind == Kind::NetlinkDiag ? diag_request(choose_) : route_request(choose_); };
  Bytes bytes = request();
  if (choose_.one_in(10)) {
    bytes.resize((bytes.size() + 3) & ~size_t{3});
    const Bytes second = request();
    bytes.insert(bytes.end(), second.begin(), second.end());
  }
  const auto size = static_cast<int64_t>(bytes.size());
  const Argument data{ArgumentKind::In, 0, bytes};
  if (choose_.one_in(3)) {
    add({SYS_write, "write", {slot_argument(slot), data, number(size)}});
  } else {
    const bool is_named = choose_.one_in(5);
    Argument name = is_named ? Argument{ArgumentKind::In, 0, netlink_address(choose_)} : Argument{ArgumentKind::Null};
    const int flags = choose_.one_in(15) ? choose_.of<int>({MSG_OOB, MSG_DONTWAIT, MSG_CONFIRM}) : 0;
    add({SYS_sendto,
         "sendto",
         {slot_argument(slot), data, number(size), number(flags), name, number(is_named ? choose_.of({12, 12, 12, 11}) : 0)}});
  }
  for (int more = choose_.below(4); more > 0; --more) hear(slot);
}

void Generator::hear(int slot) {
  const bool is_diag = slots_[slot].kind == Kind::NetlinkDiag;
  const int size = choose_.one_in(4) ? choose_.of({0, 1, 16, 20, 40, 100, 400}) : 32768;
  const int flags =
      choose_.one_in(4) ? choose_.of<int>({MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE, MSG_DONTWAIT}) : 0;
  if (choose_.one_in(2)) {
    const bool has_name = choose_.one_in(2);
    add({SYS_recvfrom,
         "recvfrom",
         {slot_argument(slot),
          {ArgumentKind::Out, size},
          number(size),
          number(flags),
          has_name ? Argument{ArgumentKind::Address, 128} : Argument{ArgumentKind::Null},
          has_name ? length_argument(128) : Argument{ArgumentKind::Null}}});
  } else {
    Operation call{SYS_recvmsg, "recvmsg", {slot_argument(slot), {ArgumentKind::Message}, number(flags)}};
    Message message{};
    message.name = choose_.one_in(2) ? Argument{ArgumentKind::Address, 128} : Argument{ArgumentKind::Null};
    message.name_length = 128;
    message.vector = {size};
    message.vector_count = 1;
    message.control_room = choose_.of({0, 20, 512});
    call.messages.push_back(message);
    add(call);
  }
  out_.back().is_receive = true;
  out_.back().payload = is_diag ? Payload::NetlinkDiag : Payload::NetlinkRoute;
}

void Generator::set_netlink_option(int slot) {
  const bool is_get = choose_.one_in(4);
  const int name = choose_.one_in(3) ? choose_.of({0, 6, 7, 8, 13, 3, 4, 5}) : choose_.of({1, 1, 1, 2, 3, 9, 10, 11, 12});
  if (is_get) {
    return add({SYS_getsockopt,
                "getsockopt",
                {slot_argument(slot),
                 number(kNetlinkLevel),
                 number(name),
                 {ArgumentKind::Out, 64},
                 length_argument(choose_.of({4, 8, 64}))}});
  }
  const bool is_group = name == 1 || name == 2;
  Bytes value =
      of(is_group ? choose_.of({1, 1, 3, 5, 5, 7, 7, 8, 9, 11, 19, 0, 33, 36, 37, 100, -1}) : choose_.of({0, 1, 1, 1, -1}));
  value.resize(16);
  add({SYS_setsockopt,
       "setsockopt",
       {slot_argument(slot),
        number(kNetlinkLevel),
        number(name),
        {ArgumentKind::In, 0, value},
        number(choose_.one_in(15) ? 3 : 4)}});
}

// Answers to what several sockets heard come in an order: others are opened for the diagnosis' sake alone.
void Generator::netlink_step() {
  int open = 0;
  for (const Slot& slot : slots_) open += is_netlink(slot.kind);
  if (open < 2 || choose_.one_in(25)) return open_netlink();
  if (choose_.one_in(25)) return open_something();
  int slot = any_slot();
  for (int tries = 0; tries < 4 && !is_netlink(slots_[slot].kind); ++tries) slot = any_slot();
  if (!is_netlink(slots_[slot].kind)) return choose_.one_in(8) ? close(slot) : choose_.one_in(2) ? bind(slot) : listen(slot);
  const int dice = choose_.below(100);
  if (dice < 45) return ask(slot);
  if (dice < 72) return hear(slot);
  if (dice < 86) return set_netlink_option(slot);
  if (dice < 90) {
    const Argument where{ArgumentKind::In, 0, netlink_address(choose_)};
    const bool is_bind = choose_.one_in(2);
    const int length = choose_.one_in(8) ? choose_.of({0, 2, 11, 16}) : 12;
    return add({is_bind ? SYS_bind : SYS_connect, is_bind ? "bind" : "connect", {slot_argument(slot), where, number(length)}});
  }
  if (dice < 93) return name(slot);
  if (dice < 95) return get_option(slot);
  if (dice < 96) return control(slot);
  if (dice < 97) return shutdown(slot);
  if (dice < 98) return descriptor(slot);
  close(slot);
}

}  // namespace walk
