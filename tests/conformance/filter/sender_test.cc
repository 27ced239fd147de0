// What senders of every kind hear of a rule that drops what they send, and what is counted; and the smaller calls of 32-bit
// programs.
#include <fstream>
#include <sstream>

#include "tests/conformance/filter/narrow.hh"

namespace conformance {
namespace {

constexpr int kIn = NF_INET_LOCAL_IN, kForward = NF_INET_FORWARD, kOut = NF_INET_LOCAL_OUT, kPre = NF_INET_PRE_ROUTING,
              kPost = NF_INET_POST_ROUTING;

void drop_output(int fd) {
  ASSERT_EQ(Table4("filter").hook(kIn).hook(kForward).hook(kOut, {}, kDrop).replace(fd), 0);
  const Fd fd6(::socket(AF_INET6, SOCK_DGRAM, 0));
  ASSERT_EQ(Table6("filter").hook(kIn).hook(kForward).hook(kOut, {}, kDrop).replace(fd6), 0);
}

// A counter of /proc/net/snmp.
long counter(const std::string& group, const std::string& name) {
  std::ifstream file("/proc/net/snmp");
  std::string names, values;
  while (std::getline(file, names) && std::getline(file, values)) {
    if (!names.starts_with(group + ":")) continue;
    std::istringstream name_words(names), value_words(values);
    std::string each, value;
    while (name_words >> each && value_words >> value) {
      if (each == name) return std::stol(value);
    }
  }
  return -1;
}

template <typename Address>
long send_to(int fd, const std::string& data, const Address& to) {
  return answer(::sendto(fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

TEST(FilterSender, EveryKindOfDatagramIsRefused) {
  with_filter([](int fd) {
    drop_output(fd);
    const Fd udp6(::socket(AF_INET6, SOCK_DGRAM, 0)), lite(::socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)),
        raw(::socket(AF_INET, SOCK_RAW, 253)), raw6(::socket(AF_INET6, SOCK_RAW, 253)),
        whole(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW)), icmp(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    EXPECT_EQ(send_to(udp6, "x", loopback6(9)), -EPERM);
    EXPECT_EQ(send_to(udp6, "x",
                      [] {
                        sockaddr_in6 mapped = loopback6(9);
                        inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
                        return mapped;
                      }()),
              -EPERM);
    EXPECT_EQ(send_to(lite, "x", loopback4(9)), -EPERM);
    EXPECT_EQ(send_to(raw, "x", loopback4(0)), -EPERM);
    EXPECT_EQ(send_to(raw6, "x", loopback6(0)), -EPERM);
    std::string header(20, '\0');
    header[0] = 0x45;
    header[8] = 64;
    header[9] = static_cast<char>(253);
    header[16] = header[19] = 1;
    header[16] = 127;
    EXPECT_EQ(send_to(whole, header, loopback4(0)), -EPERM);
    EXPECT_EQ(send_to(icmp, std::string("\x08\x00\xf7\xff\x00\x00\x00\x00", 8), loopback4(0)), -EPERM);
  });
}

TEST(FilterSender, OneOfManyIsTheOneThatEndsThem) {
  with_filter([](int fd) {
    const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    bind_to(receiver, loopback4());
    const sockaddr_in good = name_of(receiver), bad = loopback4(9);
    ASSERT_EQ(
        Table4("filter").hook(kIn).hook(kForward).hook(kOut, {Rule4(IPPROTO_UDP, to_udp_port(9, 9), verdict(kDrop))}).replace(fd),
        0);
    iovec vector{const_cast<char*>("x"), 1};
    mmsghdr messages[3] = {};
    for (int i = 0; i < 3; ++i) {
      messages[i].msg_hdr.msg_name = const_cast<sockaddr_in*>(i == 1 ? &bad : &good);
      messages[i].msg_hdr.msg_namelen = sizeof good;
      messages[i].msg_hdr.msg_iov = &vector;
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    EXPECT_EQ(answer(::sendmmsg(sender, messages, 3, 0)), 1);
    EXPECT_EQ(answer(::sendmmsg(sender, messages + 1, 2, 0)), -EPERM);
  });
}

TEST(FilterSender, ACorkedDatagramIsRefusedWhenItIsWhole) {
  with_filter([](int fd) {
    drop_output(fd);
    const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
    const sockaddr_in to = loopback4(9);
    EXPECT_EQ(answer(::sendto(sender, "a", 1, MSG_MORE, reinterpret_cast<const sockaddr*>(&to), sizeof to)), 1);
    EXPECT_EQ(answer(::sendto(sender, "b", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to)), -EPERM);
    EXPECT_EQ(Table4::counters(fd, "filter")[2], std::pair(uint64_t{1}, uint64_t{30}));
  });
}

TEST(FilterSender, WhatIsRefusedIsCountedAsDiscarded) {
  with_filter([](int fd) {
    drop_output(fd);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0)), tcp(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const long discards = counter("Ip", "OutDiscards"), requests = counter("Ip", "OutRequests"),
               datagrams = counter("Udp", "OutDatagrams");
    EXPECT_EQ(send_to(udp, "x", loopback4(9)), -EPERM);
    EXPECT_EQ(counter("Ip", "OutDiscards"), discards + 1);
    EXPECT_EQ(counter("Ip", "OutRequests"), requests + 1);
    EXPECT_EQ(counter("Udp", "OutDatagrams"), datagrams);
    EXPECT_EQ(connect_to(tcp, loopback4(9)), -EINPROGRESS);
    EXPECT_EQ(counter("Ip", "OutDiscards"), discards + 1) << "TCP will send again";
  });
}

TEST(FilterSender, WhatInputDropsIsNotCountedAsDelivered) {
  with_filter([](int fd) {
    ASSERT_EQ(Table4("filter").hook(kIn, {}, kDrop).hook(kForward).hook(kOut).replace(fd), 0);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM, 0));
    const long delivers = counter("Ip", "InDelivers"), receives = counter("Ip", "InReceives"), none = counter("Udp", "NoPorts");
    EXPECT_EQ(send_to(udp, "x", loopback4(9)), 1);
    EXPECT_EQ(counter("Ip", "InReceives"), receives + 1);
    EXPECT_EQ(counter("Ip", "InDelivers"), delivers);
    EXPECT_EQ(counter("Udp", "NoPorts"), none);
  });
}

TEST(FilterSender, AGroupsDatagramPassesEveryHookOnItsWay) {
  with_filter([](int fd) {
    const Fd receiver(::socket(AF_INET, SOCK_DGRAM, 0)), sender(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to = loopback4(5000);
    ASSERT_EQ(bind_to(receiver,
                      [&] {
                        sockaddr_in any = to;
                        any.sin_addr.s_addr = 0;
                        return any;
                      }()),
              0);
    inet_pton(AF_INET, "239.1.2.3", &to.sin_addr);
    ip_mreqn group{};
    group.imr_multiaddr = to.sin_addr;
    group.imr_ifindex = 1;
    ASSERT_EQ(::setsockopt(receiver, SOL_IP, IP_ADD_MEMBERSHIP, &group, sizeof group), 0);
    ASSERT_EQ(::setsockopt(sender, SOL_IP, IP_MULTICAST_IF, &group, sizeof group), 0);
    const std::pair<uint64_t, uint64_t> one{1, 29}, none{0, 0};
    const Counts expected{one, one, none, one, one, none};
    Counts counted;
    // The host reports its membership, twice and when it likes, and those packets pass the hooks too.
    for (int attempt = 0; attempt < 5 && counted != expected; ++attempt) {
      ASSERT_EQ(Table4("mangle").hook(kPre).hook(kIn).hook(kForward).hook(kOut).hook(kPost).replace(fd), 0);
      EXPECT_EQ(send_to(sender, "x", to), 1);
      EXPECT_EQ(poll_now(receiver, POLLIN), POLLIN);
      char byte;
      EXPECT_EQ(::recv(receiver, &byte, 1, 0), 1);
      counted = Table4::counters(fd, "mangle");
    }
    EXPECT_EQ(counted, expected);
  });
}

TEST(FilterSender, TheSmallerCallsOf32BitProgramsAreServed) {
  if (!has_narrow()) GTEST_SKIP() << "there are no 32-bit programs";
  with_filter([](int fd) {
    NarrowMemory memory;
    char* bytes = memory.bytes();
    const unsigned length_at = 4096;
    const auto set_length = [&](unsigned length) { memcpy(bytes + length_at, &length, sizeof length); };
    // Who has nothing to do with layouts: a revision.
    strcpy(bytes, "udp");
    set_length(30);
    EXPECT_EQ(getsockopt32(fd, SOL_IP, IPT_SO_GET_REVISION_MATCH, memory.address(), memory.address(length_at)), 0);
    // 36 bytes of head and not 40.
    strcpy(bytes, "filter");
    const unsigned number = 4;
    memcpy(bytes + 32, &number, sizeof number);
    const xt_counters counters[4] = {{1, 10}, {2, 20}, {3, 30}, {4, 40}};
    memcpy(bytes + 36, counters, sizeof counters);
    EXPECT_EQ(setsockopt32(fd, SOL_IP, IPT_SO_SET_ADD_COUNTERS, memory.address(), 36 + sizeof counters), 0);
    EXPECT_EQ(setsockopt32(fd, SOL_IP, IPT_SO_SET_ADD_COUNTERS, memory.address(), 40 + sizeof counters), -EINVAL);
    EXPECT_EQ(Table4::counters(fd, "filter"), Counts({{1, 10}, {2, 20}, {3, 30}, {4, 40}}));
    memset(bytes, 0, 84);
    strcpy(bytes, "mangle");
    set_length(84);
    EXPECT_EQ(getsockopt32(fd, SOL_IP, IPT_SO_GET_INFO, memory.address(), memory.address(length_at)), 0);
    ipt_getinfo narrow;
    memcpy(&narrow, bytes, sizeof narrow);
    const ipt_getinfo wide = Table4::info_of(fd, "mangle");
    EXPECT_EQ(narrow.valid_hooks, wide.valid_hooks);
    EXPECT_EQ(narrow.num_entries, wide.num_entries);
    EXPECT_EQ(narrow.size, wide.size - 5 * 4) << "a verdict needs no padding";
    for (unsigned hook = 0; hook < 5; ++hook) {
      EXPECT_EQ(narrow.hook_entry[hook], wide.hook_entry[hook] - hook * 4);
      EXPECT_EQ(narrow.underflow[hook], wide.underflow[hook] - hook * 4);
    }
    strcpy(bytes, "raw");
    ASSERT_EQ(getsockopt32(fd, SOL_IP, IPT_SO_GET_INFO, memory.address(), memory.address(length_at)), 0);
    memcpy(&narrow, bytes, sizeof narrow);
    EXPECT_EQ(narrow.hook_entry[kIn], ~0u - 2 * 4) << "a hook that the table does not have";
    EXPECT_EQ(Table4::info_of(fd, "raw").hook_entry[kIn], ~0u);
  });
}

TEST(FilterSender, TablesOfANamespaceAreItsOwn) {
  with_filter([](int fd) {
    drop_output(fd);
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    const Fd other(::socket(AF_INET, SOCK_DGRAM, 0));
    Route netlink;
    bring_up(netlink);
    EXPECT_EQ(send_to(other, "x", loopback4(9)), 1);
    EXPECT_EQ(send_to(fd, "x", loopback4(9)), -EPERM) << "a socket stays in its own";
    std::ifstream names("/proc/net/ip_tables_names");
    std::string text((std::istreambuf_iterator<char>(names)), {});
    EXPECT_EQ(text, "");
    EXPECT_EQ(Table4::info_of(other, "raw").num_entries, 3u);
    EXPECT_EQ(Table4::info_of(other, "filter").num_entries, 4u);
    std::ifstream again("/proc/net/ip_tables_names");
    text.assign((std::istreambuf_iterator<char>(again)), {});
    EXPECT_EQ(text, "filter\nraw\n");
  });
}

}  // namespace
}  // namespace conformance
