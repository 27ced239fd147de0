// NETLINK_GENERIC: the controller, the metrics of TCP's peers, and what ethtool asks.
#include "tests/conformance/netlink/generic_client.hh"

namespace conformance {
namespace {

constexpr char kFailed[] = "Attribute failed policy validation";

std::string text(unsigned short type, const char* value) { return attribute(type, std::string(value) + '\0'); }
std::string nested(unsigned short type, const std::string& inside) {
  return attribute(static_cast<unsigned short>(type | NLA_F_NESTED), inside);
}

TEST(GenericController, FindsFamiliesByNumberAndName) {
  in_new_network([] {
    Generic generic;
    for (const std::string& asked : {attribute(CTRL_ATTR_FAMILY_ID, bytes(static_cast<unsigned short>(GENL_ID_CTRL))),
                                     text(CTRL_ATTR_FAMILY_NAME, "nlctrl")}) {
      const GenericAnswer found = generic.call(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, asked);
      EXPECT_EQ(found.error, 0);
      const Message& family = found.only();
      EXPECT_EQ(family.type, CTRL_CMD_NEWFAMILY);
      EXPECT_EQ(family.flags, 0);
      EXPECT_EQ(family.find(0, CTRL_ATTR_FAMILY_NAME), std::string("nlctrl\0", 7));
      EXPECT_EQ(number(family.find(0, CTRL_ATTR_FAMILY_ID)), unsigned{GENL_ID_CTRL});
      EXPECT_EQ(number(family.find(0, CTRL_ATTR_VERSION)), 2u);
      EXPECT_EQ(number(family.find(0, CTRL_ATTR_HDRSIZE)), 0u);
      EXPECT_EQ(number(family.find(0, CTRL_ATTR_MAXATTR)), 0u);
      // Two commands: GETFAMILY, which does, dumps and checks, and GETPOLICY, which dumps and checks.
      const std::string first = attribute(1, bytes(3u)) + attribute(2, bytes(0xeu));
      const std::string second = attribute(1, bytes(10u)) + attribute(2, bytes(0xcu));
      EXPECT_EQ(family.find(0, CTRL_ATTR_OPS), attribute(1, first) + attribute(2, second));
      const std::string group = attribute(2, bytes(0x10u)) + text(1, "notify");
      EXPECT_EQ(family.find(0, CTRL_ATTR_MCAST_GROUPS), attribute(1, group));
    }
    EXPECT_NE(generic.number_of("tcp_metrics"), 0);
    EXPECT_NE(generic.number_of("ethtool"), 0);
    const GenericAnswer metrics = generic.call(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, text(CTRL_ATTR_FAMILY_NAME, "tcp_metrics"));
    EXPECT_EQ(number(metrics.only().find(0, CTRL_ATTR_MAXATTR)), 13u);
    const std::string get = attribute(1, bytes(1u)) + attribute(2, bytes(0xeu));
    const std::string forget = attribute(1, bytes(2u)) + attribute(2, bytes(0xbu));
    EXPECT_EQ(metrics.only().find(0, CTRL_ATTR_OPS), attribute(1, get) + attribute(2, forget));
  });
}

TEST(GenericController, RefusesAsLinuxDoes) {
  in_new_network([] {
    Generic generic;
    const auto ask = [&](const std::string& attributes) { return generic.call(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attributes); };
    EXPECT_EQ(ask("").error, -EINVAL);
    EXPECT_EQ(ask(text(CTRL_ATTR_FAMILY_NAME, "nobody")).error, -ENOENT);
    EXPECT_EQ(ask(attribute(CTRL_ATTR_FAMILY_ID, bytes(static_cast<unsigned short>(4711)))).error, -ENOENT);
    const GenericAnswer endless = ask(attribute(CTRL_ATTR_FAMILY_NAME, "nlctrl"));
    EXPECT_EQ(endless.error, -EINVAL);
    EXPECT_EQ(endless.text, kFailed);
    EXPECT_EQ(endless.offset, 20u);
    EXPECT_EQ(ask(text(CTRL_ATTR_FAMILY_NAME, "longerthansixteen")).error, -EINVAL);
    const GenericAnswer brief = ask(attribute(CTRL_ATTR_FAMILY_ID, "x"));
    EXPECT_EQ(brief.error, -ERANGE);
    EXPECT_EQ(brief.text, kFailed);
    EXPECT_EQ(ask(text(CTRL_ATTR_FAMILY_NAME, "nlctrl") + attribute(30, "abcd")).error, 0) << "what it does not know";
    const GenericAnswer more = ask(text(CTRL_ATTR_FAMILY_NAME, "nlctrl") + "abc");
    EXPECT_EQ(more.error, 0);
    EXPECT_EQ(more.text, "bytes leftover after parsing attributes");
    EXPECT_EQ(generic.call(GENL_ID_CTRL, 77, "").error, -EOPNOTSUPP);
    EXPECT_EQ(generic.call(GENL_ID_CTRL, CTRL_CMD_GETPOLICY, text(CTRL_ATTR_FAMILY_NAME, "nlctrl")).error, -EOPNOTSUPP);
    EXPECT_EQ(generic.dump(GENL_ID_CTRL, 77).error, -EOPNOTSUPP);
    EXPECT_EQ(generic.call(4711, 1, "").error, -ENOENT) << "no such family";
    EXPECT_EQ(generic.send(GENL_ID_CTRL, "\3\1", NLM_F_ACK).error, -EINVAL) << "less than a header";
  });
}

TEST(GenericController, ListsFamiliesAndPolicies) {
  in_new_network([] {
    Generic generic;
    const GenericAnswer all = generic.dump(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
    EXPECT_TRUE(all.was_dump);
    std::string names;
    for (const Message& family : all.messages) {
      EXPECT_EQ(family.type, CTRL_CMD_NEWFAMILY);
      EXPECT_EQ(family.flags, NLM_F_MULTI);
      const std::string name = family.find(0, CTRL_ATTR_FAMILY_NAME).c_str();
      if (name == "nlctrl" || name == "ethtool" || name == "tcp_metrics") names += name + " ";
    }
    EXPECT_EQ(names, "nlctrl ethtool tcp_metrics ");

    const auto policies = [&](const std::string& which) { return generic.dump(GENL_ID_CTRL, CTRL_CMD_GETPOLICY, which); };
    EXPECT_EQ(policies("").error, -EINVAL);
    EXPECT_EQ(policies(text(CTRL_ATTR_FAMILY_NAME, "nobody")).error, -ENOENT);
    const GenericAnswer absent = policies(text(CTRL_ATTR_FAMILY_NAME, "nlctrl") + attribute(CTRL_ATTR_OP, bytes(9u)));
    EXPECT_EQ(absent.error, -ENOENT);
    EXPECT_EQ(absent.offset, 32u);
    std::string whole;
    for (const Message& message : policies(text(CTRL_ATTR_FAMILY_NAME, "nlctrl")).messages) {
      EXPECT_EQ(message.type, CTRL_CMD_GETPOLICY);
      EXPECT_EQ(number(message.find(0, CTRL_ATTR_FAMILY_ID)), unsigned{GENL_ID_CTRL});
      whole += message.body.substr(8);
    }
    const std::string word = attribute(4, bytes(0ull)) + attribute(5, bytes(0xffffull)) + attribute(1, bytes(3u));
    const std::string name = attribute(7, bytes(15u)) + attribute(1, bytes(12u));
    const std::string number32 = attribute(4, bytes(0ull)) + attribute(5, bytes(0xffffffffull)) + attribute(1, bytes(4u));
    const auto rule = [&](unsigned short policy, unsigned short type, const std::string& of) {
      return nested(CTRL_ATTR_POLICY, nested(policy, nested(type, of)));
    };
    EXPECT_EQ(whole, nested(CTRL_ATTR_OP_POLICY, nested(3, attribute(1, bytes(0u)) + attribute(2, bytes(0u)))) +
                         nested(CTRL_ATTR_OP_POLICY, nested(0, attribute(2, bytes(1u)))) + rule(0, 1, word) + rule(0, 2, name) +
                         rule(1, 1, word) + rule(1, 2, name) + rule(1, 10, number32));
    std::string metrics;
    for (const Message& message : policies(text(CTRL_ATTR_FAMILY_NAME, "tcp_metrics")).messages) {
      metrics += message.body.substr(8);
    }
    const std::string address = attribute(6, bytes(16u)) + attribute(7, bytes(16u)) + attribute(1, bytes(10u));
    EXPECT_EQ(metrics, nested(CTRL_ATTR_OP_POLICY, nested(1, attribute(1, bytes(0u)))) +
                           nested(CTRL_ATTR_OP_POLICY, nested(2, attribute(1, bytes(0u)))) + rule(0, 1, number32) +
                           rule(0, 2, address) + rule(0, 11, number32) + rule(0, 12, address));
  });
}

// A connection over loopback that has measured its way.
void talk(int family) {
  const Fd listener(::socket(family, SOCK_STREAM, 0));
  sockaddr_storage name{};
  name.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) reinterpret_cast<sockaddr_in&>(name).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (family == AF_INET6) reinterpret_cast<sockaddr_in6&>(name).sin6_addr = in6addr_loopback;
  socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  const Fd client(::socket(family, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&name), size), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  char data[1000] = {};
  for (int turn = 0; turn < 20; ++turn) {
    ASSERT_EQ(::send(client, data, sizeof data, 0), 1000);
    ASSERT_EQ(::recv(server, data, sizeof data, MSG_WAITALL), 1000);
    ASSERT_EQ(::send(server, data, 1, 0), 1);
    ASSERT_EQ(::recv(client, data, 1, 0), 1);
  }
}

struct Metrics {
  unsigned short family;
  Generic& generic;
  GenericAnswer get(const std::string& ends) { return generic.call(family, TCP_METRICS_CMD_GET, ends); }
  GenericAnswer remove(const std::string& ends) { return generic.call(family, TCP_METRICS_CMD_DEL, ends); }
  size_t count() { return generic.dump(family, TCP_METRICS_CMD_GET).messages.size(); }
};
std::string remote(const char* text) { return attribute(TCP_METRICS_ATTR_ADDR_IPV4, ip(text)); }
std::string local(const char* text) { return attribute(TCP_METRICS_ATTR_SADDR_IPV4, ip(text)); }

TEST(GenericTcpMetrics, TellWhatConnectionsLearnt) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    Generic generic;
    Metrics metrics{generic.number_of("tcp_metrics"), generic};
    EXPECT_EQ(metrics.count(), 0u);
    talk(AF_INET);
    talk(AF_INET6);
    EXPECT_EQ(metrics.count(), 2u);
    const GenericAnswer found = metrics.get(remote("127.0.0.1"));
    EXPECT_EQ(found.error, 0);
    const Message& one = found.only();
    EXPECT_EQ(one.type, TCP_METRICS_CMD_GET);
    EXPECT_EQ(one.find(0, TCP_METRICS_ATTR_ADDR_IPV4), ip("127.0.0.1"));
    EXPECT_EQ(one.find(0, TCP_METRICS_ATTR_SADDR_IPV4), ip("127.0.0.1"));
    EXPECT_EQ(one.find(0, TCP_METRICS_ATTR_AGE).size(), 8u);
    EXPECT_LT(number(one.find(0, TCP_METRICS_ATTR_AGE)), 5000u);
    const Message values{0, 0, one.find(0, TCP_METRICS_ATTR_VALS)};
    const unsigned micros = number(values.find(0, TCP_METRIC_RTT_US + 1));
    EXPECT_GT(micros, 0u);
    EXPECT_EQ(number(values.find(0, TCP_METRIC_RTT + 1)), std::max(micros / 1000, 1u));
    EXPECT_GT(number(values.find(0, TCP_METRIC_RTTVAR_US + 1)), 0u);
    EXPECT_EQ(number(values.find(0, TCP_METRIC_SSTHRESH + 1)), 0u);
    EXPECT_GE(number(values.find(0, TCP_METRIC_CWND + 1)), 10u);
    const GenericAnswer sixth = metrics.get(attribute(TCP_METRICS_ATTR_ADDR_IPV6, ip6("::1")));
    EXPECT_EQ(sixth.only().find(0, TCP_METRICS_ATTR_SADDR_IPV6), ip6("::1"));
    EXPECT_EQ(metrics.get(remote("127.0.0.1") + local("127.0.0.1")).error, 0);
    EXPECT_EQ(metrics.get(remote("127.0.0.1") + local("127.0.0.9")).error, -ESRCH);
    EXPECT_EQ(metrics.get(remote("127.0.0.77")).error, -ESRCH);
    EXPECT_EQ(metrics.get(attribute(TCP_METRICS_ATTR_ADDR_IPV6, ip6("::ffff:127.0.0.1"))).error, -ESRCH);
    EXPECT_EQ(metrics.get("").error, -EAFNOSUPPORT);
    EXPECT_EQ(metrics.get(local("127.0.0.1")).error, -EAFNOSUPPORT);
    const GenericAnswer brief = metrics.get(attribute(TCP_METRICS_ATTR_ADDR_IPV6, "abcd"));
    EXPECT_EQ(brief.error, -ERANGE);
    EXPECT_EQ(brief.text, "binary attribute size out of range");
    EXPECT_EQ(brief.offset, 20u);
    EXPECT_EQ(metrics.get(attribute(TCP_METRICS_ATTR_ADDR_IPV4, "ab")).text, kFailed);
    EXPECT_EQ(generic.call(metrics.family, 3, "").error, -EOPNOTSUPP);
    EXPECT_EQ(generic.dump(metrics.family, TCP_METRICS_CMD_DEL).error, -EOPNOTSUPP);
  });
}

TEST(GenericTcpMetrics, AreForgottenByAdministrators) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    Generic generic;
    Metrics metrics{generic.number_of("tcp_metrics"), generic};
    talk(AF_INET);
    talk(AF_INET6);
    EXPECT_EQ(metrics.remove(remote("127.0.0.77")).error, -ESRCH);
    EXPECT_EQ(metrics.remove(remote("127.0.0.1") + local("127.0.0.9")).error, -ESRCH);
    EXPECT_EQ(metrics.remove(remote("127.0.0.1")).error, 0);
    EXPECT_EQ(metrics.remove(remote("127.0.0.1")).error, -ESRCH);
    EXPECT_EQ(metrics.count(), 1u);
    EXPECT_EQ(metrics.remove("").error, 0);
    EXPECT_EQ(metrics.count(), 0u);
    talk(AF_INET);
    EXPECT_EQ(metrics.count(), 1u) << "and learnt again";
    ASSERT_EQ(::setuid(65534), 0);
    Generic other;
    Metrics others{metrics.family, other};
    EXPECT_EQ(others.remove("").error, -EPERM);
    EXPECT_EQ(others.get(remote("127.0.0.1")).error, 0);
  });
}

std::string of_device(const std::string& inside) { return nested(ETHTOOL_A_LINKINFO_HEADER, inside); }
std::string device(const char* name, unsigned flags = 0) {
  return of_device(text(ETHTOOL_A_HEADER_DEV_NAME, name) + attribute(ETHTOOL_A_HEADER_FLAGS, bytes(flags)));
}

TEST(GenericEthtool, FindsTheDeviceThatTheHeaderNames) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    Generic generic;
    const unsigned short family = generic.number_of("ethtool");
    const auto ask = [&](const std::string& header) { return generic.call(family, ETHTOOL_MSG_LINKSTATE_GET, header); };
    const std::string index = attribute(ETHTOOL_A_HEADER_DEV_INDEX, bytes(1u));
    const std::string wrong = attribute(ETHTOOL_A_HEADER_DEV_INDEX, bytes(99u));
    const std::string name = text(ETHTOOL_A_HEADER_DEV_NAME, "lo");
    for (const std::string& header : {index, name, index + name}) {
      const GenericAnswer found = ask(of_device(header));
      EXPECT_EQ(found.error, 0);
      EXPECT_EQ(found.only().body, of_device(index + name) + attribute(ETHTOOL_A_LINKSTATE_LINK, bytes('\1')));
    }
    EXPECT_EQ(ask("").error, -EINVAL);
    EXPECT_EQ(ask("").missing, 1u);
    const auto expect = [&](const std::string& request, long error, const char* why, unsigned offset) {
      const GenericAnswer refused = ask(request);
      EXPECT_EQ(refused.error, error) << why;
      EXPECT_EQ(refused.text, why);
      EXPECT_EQ(refused.offset, offset) << why;
    };
    expect(of_device(""), -EINVAL, "neither ifindex nor name specified", 20);
    expect(device("nobody"), -ENODEV, "no device matches name", 24);
    expect(of_device(wrong), -ENODEV, "no device matches ifindex", 24);
    expect(attribute(1, name), -EINVAL, "NLA_F_NESTED is missing", 20);
    expect(device("lo", 0x100), -EINVAL, "reserved bit set", 32);
    expect(of_device(name) + attribute(9, "abcd"), -EINVAL, "Unknown attribute type", 32);
    expect(of_device(name + attribute(9, "abcd")), -EINVAL, "Unknown attribute type", 32);
    EXPECT_EQ(generic.call(family, 200, device("lo")).error, -EOPNOTSUPP);
    EXPECT_EQ(generic.call(family, 0, "").error, -EOPNOTSUPP);
  });
}

TEST(GenericEthtool, TellsOfTheLoopbackAndOfAPair) {
  in_new_network([] {
    Route netlink;
    bring_up(netlink);
    constexpr char kPeer[] = "two";
    const std::string peer = link(0) + text(IFLA_IFNAME, kPeer);
    ASSERT_EQ(netlink.request(
                  RTM_NEWLINK, kNew,
                  link(0) + text(IFLA_IFNAME, "one") +
                      attribute(IFLA_LINKINFO, text(IFLA_INFO_KIND, "veth") + attribute(IFLA_INFO_DATA, attribute(1, peer)))),
              0);
    Generic generic;
    const unsigned short family = generic.number_of("ethtool");
    const auto ask = [&](unsigned char command, const char* name, unsigned flags = 0) {
      return generic.call(family, command, device(name, flags));
    };
    EXPECT_EQ(ask(ETHTOOL_MSG_LINKINFO_GET, "lo").error, -EOPNOTSUPP);
    EXPECT_EQ(ask(ETHTOOL_MSG_LINKINFO_GET, "lo").text, "failed to retrieve link settings");
    EXPECT_EQ(ask(ETHTOOL_MSG_LINKMODES_GET, "lo").error, -EOPNOTSUPP);
    const std::string head =
        of_device(attribute(ETHTOOL_A_HEADER_DEV_INDEX, bytes(if_nametoindex("one"))) + text(ETHTOOL_A_HEADER_DEV_NAME, "one"));
    const std::string none = bytes('\0');
    EXPECT_EQ(ask(ETHTOOL_MSG_LINKINFO_GET, "one").only().body,
              head + attribute(2, none) + attribute(3, none) + attribute(4, none) + attribute(5, none) + attribute(6, none));
    const Message modes = ask(ETHTOOL_MSG_LINKMODES_GET, "one").only();
    EXPECT_EQ(number(modes.find(0, ETHTOOL_A_LINKMODES_SPEED)), 10000u);
    EXPECT_EQ(modes.find(0, ETHTOOL_A_LINKMODES_DUPLEX), bytes('\1'));
    EXPECT_EQ(modes.find(0, ETHTOOL_A_LINKMODES_AUTONEG), none);
    EXPECT_EQ(ask(ETHTOOL_MSG_LINKSTATE_GET, "one").only().body, head + attribute(2, none)) << "down";
    for (const unsigned char command : {ETHTOOL_MSG_DEBUG_GET, ETHTOOL_MSG_WOL_GET, ETHTOOL_MSG_PRIVFLAGS_GET,
                                        ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_PAUSE_GET, ETHTOOL_MSG_EEE_GET, ETHTOOL_MSG_FEC_GET}) {
      EXPECT_EQ(ask(command, "one").error, -EOPNOTSUPP) << int{command};
      EXPECT_EQ(ask(command, "lo").error, -EOPNOTSUPP) << int{command};
    }
    const auto bit = [](unsigned index, const char* name) { return nested(1, attribute(1, bytes(index)) + text(2, name)); };
    const std::string stamps =
        nested(2, attribute(1, "") + attribute(2, bytes(19u)) +
                      nested(3, bit(1, "software-transmit") + bit(3, "software-receive") + bit(4, "software-system-clock")));
    const Message stamping = ask(ETHTOOL_MSG_TSINFO_GET, "one").only();
    EXPECT_EQ(stamping.type, ETHTOOL_MSG_TSINFO_GET_REPLY);
    EXPECT_EQ(stamping.body, head + stamps);
    EXPECT_EQ(ask(ETHTOOL_MSG_TSINFO_GET, "one", ETHTOOL_FLAG_COMPACT_BITSETS).only().body,
              head + nested(2, attribute(1, "") + attribute(2, bytes(19u)) + attribute(4, bytes(0x1au))));
    const GenericAnswer all = generic.dump(family, ETHTOOL_MSG_LINKINFO_GET);
    EXPECT_TRUE(all.was_dump);
    EXPECT_EQ(all.messages.size(), 2u) << "those that have something to say";
    EXPECT_EQ(generic.dump(family, ETHTOOL_MSG_LINKSTATE_GET).messages.size(), 3u);
    ASSERT_EQ(::setuid(65534), 0);
    Generic other;
    EXPECT_EQ(other.call(family, ETHTOOL_MSG_WOL_GET, device("lo")).error, -EPERM);
    EXPECT_EQ(other.call(family, ETHTOOL_MSG_LINKSTATE_GET, device("lo")).error, 0);
  });
}

TEST(GenericSockets, JoinGroups) {
  in_new_network([] {
    Generic generic;
    for (const int group : {1, 2, 6, 16, 33}) {
      EXPECT_EQ(setsockopt(generic.fd(), 270, NETLINK_ADD_MEMBERSHIP, &group, sizeof group), 0) << group;
    }
    for (const int group : {0, 1000}) {
      EXPECT_EQ(answer(setsockopt(generic.fd(), 270, NETLINK_ADD_MEMBERSHIP, &group, sizeof group)), -EINVAL) << group;
    }
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = 0x80008020;
    EXPECT_EQ(::bind(generic.fd(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    socklen_t size = sizeof name;
    EXPECT_EQ(::getsockname(generic.fd(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    EXPECT_EQ(name.nl_groups, 0x80008020u);
  });
}

}  // namespace
}  // namespace conformance
