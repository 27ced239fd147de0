// Classic BPF on sockets: SO_ATTACH_FILTER and its kin, and programs that choose among SO_REUSEPORT sockets.
#include <gtest/gtest.h>
#include <linux/icmp.h>
#include <netinet/ip.h>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

using Program = std::vector<sock_filter>;

constexpr sock_filter kKeepAll = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
constexpr sock_filter kDropAll = BPF_STMT(BPF_RET | BPF_K, 0);

long attach(int fd, const Program& program, int name = SO_ATTACH_FILTER) {
  sock_fprog user{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  return answer(::setsockopt(fd, SOL_SOCKET, name, &user, sizeof user));
}
long detach(int fd) { return set_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0); }

// Keeps what has `wanted` at `offset`.
Program keep_if_byte(unsigned offset, unsigned wanted) {
  return {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offset), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1), kKeepAll, kDropAll};
}
Program keep_bytes(unsigned count) { return {BPF_STMT(BPF_RET | BPF_K, count)}; }

std::string text(int fd) {
  const Received received = receive_message(fd, MSG_DONTWAIT);
  return received.size < 0 ? "-" : received.data;
}

TEST(FilterTest, AUdpFilterSeesTheHeaderAndDecides) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(attach(pair.receiver, keep_if_byte(8, 'y')), 0);
  ASSERT_EQ(::send(pair.sender, "no", 2, 0), 2);
  ASSERT_EQ(::send(pair.sender, "yes", 3, 0), 3);
  EXPECT_EQ(text(pair.receiver), "yes");
  EXPECT_EQ(text(pair.receiver), "-");
}

TEST(FilterTest, AUdpFilterSeesTheDestinationPort) {
  const UdpPair pair = udp_pair();
  const unsigned port = ntohs(name_of(pair.receiver).sin_port);
  const Program program{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 2), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1), kKeepAll,
                        kDropAll};
  ASSERT_EQ(attach(pair.receiver, program), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(text(pair.receiver), "x");
}

TEST(FilterTest, AFilterCutsADatagramButNeverItsHeader) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(attach(pair.receiver, keep_bytes(8 + 3)), 0);
  ASSERT_EQ(::send(pair.sender, "abcdef", 6, 0), 6);
  EXPECT_EQ(text(pair.receiver), "abc");
  ASSERT_EQ(attach(pair.receiver, keep_bytes(1)), 0);
  ASSERT_EQ(::send(pair.sender, "abcdef", 6, 0), 6);
  EXPECT_EQ(text(pair.receiver), "");
}

TEST(FilterTest, ALoadBeyondThePacketDropsIt) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(attach(pair.receiver, keep_if_byte(8 + 5, 0)), 0);
  ASSERT_EQ(::send(pair.sender, "short", 5, 0), 5);
  EXPECT_EQ(text(pair.receiver), "-");
}

TEST(FilterTest, AncillaryLoadsKnowProtocolAndInterface) {
  const UdpPair pair = udp_pair();
  const Program program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_PROTOCOL)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 0, 3),
                        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_IFINDEX)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
                        kKeepAll,
                        kDropAll};
  ASSERT_EQ(attach(pair.receiver, program), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(text(pair.receiver), "x");
}

TEST(FilterTest, NegativeOffsetsReachTheNetworkHeader) {
  const UdpPair pair = udp_pair();
  const Program program{BPF_STMT(BPF_LD | BPF_B | BPF_ABS, static_cast<unsigned>(SKF_NET_OFF + 9)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1), kKeepAll, kDropAll};
  ASSERT_EQ(attach(pair.receiver, program), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  EXPECT_EQ(text(pair.receiver), "x");
}

TEST(FilterTest, TheLastProgramCountsAndDetachingEndsIt) {
  const UdpPair pair = udp_pair();
  EXPECT_EQ(detach(pair.receiver), -ENOENT);
  ASSERT_EQ(attach(pair.receiver, {kDropAll}), 0);
  ASSERT_EQ(::send(pair.sender, "1", 1, 0), 1);
  ASSERT_EQ(attach(pair.receiver, {kKeepAll}), 0);
  ASSERT_EQ(::send(pair.sender, "2", 1, 0), 1);
  EXPECT_EQ(text(pair.receiver), "2");
  ASSERT_EQ(attach(pair.receiver, {kDropAll}), 0);
  EXPECT_EQ(detach(pair.receiver), 0);
  EXPECT_EQ(detach(pair.receiver), -ENOENT);
  ASSERT_EQ(::send(pair.sender, "3", 1, 0), 1);
  EXPECT_EQ(text(pair.receiver), "3");
}

TEST(FilterTest, WhatIsQueuedAlreadyIsNotFiltered) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(::send(pair.sender, "old", 3, 0), 3);
  ASSERT_EQ(attach(pair.receiver, {kDropAll}), 0);
  EXPECT_EQ(text(pair.receiver), "old");
}

TEST(FilterTest, ADropIsCounted) {
  const UdpPair pair = udp_pair();
  ASSERT_EQ(attach(pair.receiver, {kDropAll}), 0);
  ASSERT_EQ(::send(pair.sender, "x", 1, 0), 1);
  ASSERT_EQ(detach(pair.receiver), 0);
  const int on = 1;
  ASSERT_EQ(set_option(pair.receiver, SOL_SOCKET, SO_RXQ_OVFL, on), 0);
  ASSERT_EQ(::send(pair.sender, "y", 1, 0), 1);
  const Received received = receive_message(pair.receiver, MSG_DONTWAIT);
  ASSERT_EQ(received.size, 1);
  EXPECT_EQ(received.get<uint32_t>(SOL_SOCKET, SO_RXQ_OVFL), 1u);
}

TEST(FilterTest, ProgramsThatMayNotRunAreRefused) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  struct Row {
    const char* what;
    Program program;
    long expected;
  };
  const Row rows[] = {
      {"no return", {BPF_STMT(BPF_LD | BPF_IMM, 1)}, -EINVAL},
      {"jump past the end", {BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), kKeepAll}, -EINVAL},
      {"division by zero", {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), kKeepAll}, -EINVAL},
      {"shift too far", {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), kKeepAll}, -EINVAL},
      {"memory cell 16", {BPF_STMT(BPF_ST, 16), kKeepAll}, -EINVAL},
      {"cell read before it is written", {BPF_STMT(BPF_LD | BPF_MEM, 3), kKeepAll}, -EINVAL},
      {"unknown code", {BPF_STMT(0xffff, 0), kKeepAll}, -EINVAL},
      {"unknown ancillary load",
       {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(SKF_AD_OFF + SKF_AD_MAX)), kKeepAll},
       -EINVAL},
      {"keeps", {kKeepAll}, 0},
      {"the longest", Program(4096, kKeepAll), 0},
      {"too long", Program(4097, kKeepAll), -EINVAL},
  };
  for (const Row& row : rows) EXPECT_EQ(attach(fd, row.program), row.expected) << row.what;
}

TEST(FilterTest, TheStructIsCheckedFirst) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  sock_filter keep = kKeepAll;
  sock_fprog user{1, &keep};
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &user, sizeof user - 1)), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &user, sizeof user + 1)), -EINVAL);
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, bad_pointer<void>(), sizeof user)), -EFAULT);
  user.filter = bad_pointer<sock_filter>();
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &user, sizeof user)), -EFAULT);
  user.filter = nullptr;
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &user, sizeof user)), -EINVAL);
  user = {0, &keep};
  EXPECT_EQ(answer(::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &user, sizeof user)), -EINVAL);
}

TEST(FilterTest, ALockedFilterStays) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(attach(fd, {kDropAll}), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_LOCK_FILTER), 0);
  ASSERT_EQ(set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 1), 0);
  EXPECT_EQ(get_int(fd, SOL_SOCKET, SO_LOCK_FILTER), 1);
  EXPECT_EQ(detach(fd), -EPERM);
  EXPECT_EQ(attach(fd, {kKeepAll}), -EPERM);
  EXPECT_EQ(attach(fd, {BPF_STMT(0xffff, 0)}), -EPERM);
  EXPECT_EQ(attach(fd, {kKeepAll}, SO_ATTACH_REUSEPORT_CBPF), -EPERM);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_ATTACH_BPF, -1), -EPERM);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 0), -EPERM);
  EXPECT_EQ(set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 7), 0);
}

TEST(FilterTest, AFilterIsReadBackCountedInInstructions) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  sock_filter got[8] = {};
  socklen_t length = 0;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &length)), 0);
  EXPECT_EQ(length, 0u);
  const Program program = keep_if_byte(8, 'y');
  ASSERT_EQ(attach(fd, program), 0);
  length = 0;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &length)), 0);
  EXPECT_EQ(length, 4u);
  length = 3;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &length)), -EINVAL);
  length = 8;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &length)), 0);
  EXPECT_EQ(length, 4u);
  EXPECT_EQ(memcmp(got, program.data(), 4 * sizeof got[0]), 0);
  EXPECT_EQ(got[4].code, 0);
  length = 4;
  EXPECT_EQ(answer(::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, bad_pointer<void>(), &length)), -EFAULT);
}

TEST(FilterTest, DescriptorsThatAreNoProgramsAreRefused) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  for (const int name : {SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF}) {
    EXPECT_EQ(set_option(fd, SOL_SOCKET, name, -1), -EBADF);
    EXPECT_EQ(set_option(fd, SOL_SOCKET, name, 12345), -EBADF);
    EXPECT_EQ(set_option(fd, SOL_SOCKET, name, fd.get()), -EINVAL);
    EXPECT_EQ(set_option(fd, SOL_SOCKET, name, 0), -EINVAL);
    const int64_t wide = fd.get();
    EXPECT_EQ(set_option(fd, SOL_SOCKET, name, wide), -EINVAL);
  }
}

TEST(FilterTest, AStreamFilterHoldsSegmentsBackUntilItGoes) {
  TcpPair pair = tcp_pair();
  ASSERT_EQ(attach(pair.server, {kDropAll}), 0);
  ASSERT_EQ(::send(pair.client, "data", 4, 0), 4);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 30), 0);
  ASSERT_EQ(detach(pair.server), 0);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 3000), POLLIN);  // retransmitted
  EXPECT_EQ(text(pair.server), "data");
}

// However large a write is: over lo it is full segments and an odd end, and the filter decides about each.
TEST(FilterTest, AStreamFilterSeesTheOddEndOfALargeWriteByItself) {
  TcpPair pair = tcp_pair();
  // Beyond the first segments, which are acknowledged one by one.
  const std::string large(65536, 'x');
  const auto send_whole = [&] {
    for (size_t sent = 0; sent < large.size();) {
      const ssize_t more = ::send(pair.client, large.data() + sent, large.size() - sent, 0);
      if (more > 0) sent += static_cast<size_t>(more);
    }
  };
  const auto read_up_to = [&](size_t most) {
    size_t read = 0;
    while (read < most && poll_now(pair.server, POLLIN, 100) == POLLIN) {
      std::string room(most - read, 0);
      const ssize_t some = ::recv(pair.server, room.data(), room.size(), MSG_DONTWAIT);
      if (some <= 0) break;
      read += static_cast<size_t>(some);
    }
    return read;
  };
  for (int i = 0; i < 30; ++i) {
    send_whole();
    ASSERT_EQ(read_up_to(large.size()), large.size());
  }
  ASSERT_EQ(attach(pair.server,
                   {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1000, 0, 1), kKeepAll, kDropAll}),
            0);
  send_whole();
  EXPECT_EQ(read_up_to(large.size()), 65483u);
  ASSERT_EQ(detach(pair.server), 0);
  EXPECT_EQ(poll_now(pair.server, POLLIN, 3000), POLLIN);  // retransmitted
  EXPECT_EQ(read_up_to(53), 53u);
}

TEST(FilterTest, AnAcceptedConnectionHasItsListenersFilter) {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ::listen(listener, 1);
  ASSERT_EQ(attach(listener, {BPF_STMT(BPF_LD | BPF_IMM, 1), kKeepAll}), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, name_of(listener)), 0);
  const Fd server(::accept(listener, nullptr, nullptr));
  socklen_t length = 0;
  EXPECT_EQ(answer(::getsockopt(server, SOL_SOCKET, SO_GET_FILTER, nullptr, &length)), 0);
  EXPECT_EQ(length, 2u);
}

TEST(FilterTest, AListenersFilterDecidesAboutConnections) {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ::listen(listener, 1);
  ASSERT_EQ(attach(listener, {kDropAll}), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  EXPECT_EQ(connect_to(client, name_of(listener)), -EINPROGRESS);
  EXPECT_EQ(poll_now(client, POLLOUT, 30), 0);
}

TEST(FilterTest, ARawSocketsFilterSeesTheIpHeader) {
  const Fd raw = raw_socket(AF_INET, 253);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  ASSERT_EQ(attach(raw, keep_if_byte(20, 'y')), 0);
  const sockaddr_in to = loopback4();
  for (const char* data : {"no", "yes"}) {
    ASSERT_EQ(::sendto(raw, data, strlen(data), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<long>(strlen(data)));
  }
  const Received received = receive_message(raw, MSG_DONTWAIT);
  ASSERT_EQ(received.size, 23);
  EXPECT_EQ(received.data.substr(20), "yes");
  EXPECT_EQ(receive_message(raw, MSG_DONTWAIT).size, -EAGAIN);
}

TEST(FilterTest, ARaw6SocketsFilterSeesThePayload) {
  const Fd raw = raw_socket(AF_INET6, 253);
  if (raw.get() < 0) GTEST_SKIP() << "no raw sockets";
  ASSERT_EQ(attach(raw, keep_if_byte(0, 'y')), 0);
  const sockaddr_in6 to = loopback6();
  for (const char* data : {"no", "yes"}) ::sendto(raw, data, strlen(data), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  EXPECT_EQ(text(raw), "yes");
  EXPECT_EQ(text(raw), "-");
}

class UnixFilterTest : public testing::TestWithParam<int> {};

TEST_P(UnixFilterTest, ADatagramThatIsFilteredIsSentAllTheSame) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, GetParam(), 0, ends), 0);
  const Fd sender(ends[0]), receiver(ends[1]);
  ASSERT_EQ(attach(receiver, keep_if_byte(0, 'y')), 0);
  EXPECT_EQ(::send(sender, "no", 2, 0), 2);
  EXPECT_EQ(::send(sender, "yes", 3, 0), 3);
  EXPECT_EQ(text(receiver), "yes");
  EXPECT_EQ(text(receiver), "-");
  ASSERT_EQ(attach(receiver, keep_bytes(2)), 0);
  EXPECT_EQ(::send(sender, "longer", 6, 0), 6);
  EXPECT_EQ(text(receiver), "lo");
}
INSTANTIATE_TEST_SUITE_P(Messages, UnixFilterTest, testing::Values(SOCK_DGRAM, SOCK_SEQPACKET));

TEST(FilterTest, AUnixStreamIsNotFiltered) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Fd sender(ends[0]), receiver(ends[1]);
  ASSERT_EQ(attach(receiver, {kDropAll}), 0);
  EXPECT_EQ(::send(sender, "x", 1, 0), 1);
  EXPECT_EQ(text(receiver), "x");
}

// ------------------------------------------------------------------------------------------------------- SO_REUSEPORT groups

struct Group {
  std::vector<Fd> sockets;
  sockaddr_in address{};
};

Group make_group(int type, size_t count) {
  Group group;
  for (size_t i = 0; i < count; ++i) {
    Fd fd(::socket(AF_INET, type, 0));
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    bind_to(fd, loopback4(i == 0 ? uint16_t{0} : ntohs(group.address.sin_port)));
    if (type == SOCK_STREAM) ::listen(fd, 8);
    if (i == 0) group.address = name_of(fd);
    group.sockets.push_back(std::move(fd));
  }
  return group;
}

TEST(GroupFilterTest, ItsProgramChoosesTheReceiverByThePayload) {
  const Group group = make_group(SOCK_DGRAM, 3);
  // The payload begins at offset 0 for this program.
  ASSERT_EQ(
      attach(group.sockets[1], {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_A, 0)}, SO_ATTACH_REUSEPORT_CBPF),
      0);
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  for (char index : {'\2', '\0', '\1', '\0'}) {
    ASSERT_EQ(::sendto(sender, &index, 1, 0, reinterpret_cast<const sockaddr*>(&group.address), sizeof group.address), 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(text(group.sockets[static_cast<size_t>(i)]), i == index ? std::string(1, index) : "-");
  }
}

TEST(GroupFilterTest, AnIndexThatIsNobodysLeavesTheChoiceToTheHash) {
  const Group group = make_group(SOCK_DGRAM, 2);
  ASSERT_EQ(attach(group.sockets[0], {BPF_STMT(BPF_RET | BPF_K, 7)}, SO_ATTACH_REUSEPORT_CBPF), 0);
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&group.address), sizeof group.address), 1);
  const std::string first = text(group.sockets[0]), second = text(group.sockets[1]);
  EXPECT_TRUE((first == "x") != (second == "x"));
}

TEST(GroupFilterTest, ItsProgramChoosesTheListener) {
  const Group group = make_group(SOCK_STREAM, 3);
  ASSERT_EQ(attach(group.sockets[0], {BPF_STMT(BPF_RET | BPF_K, 1)}, SO_ATTACH_REUSEPORT_CBPF), 0);
  const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(connect_to(client, group.address), 0);
  EXPECT_EQ(poll_now(group.sockets[1], POLLIN, 1000), POLLIN);
  EXPECT_EQ(poll_now(group.sockets[0], POLLIN), 0);
  EXPECT_EQ(poll_now(group.sockets[2], POLLIN), 0);
}

TEST(GroupFilterTest, TheFirstOfAGroupMayBringItsProgram) {
  Fd first(::socket(AF_INET, SOCK_DGRAM, 0)), second(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(attach(first, {BPF_STMT(BPF_RET | BPF_K, 1)}, SO_ATTACH_REUSEPORT_CBPF), -EINVAL);
  ASSERT_EQ(set_option(first, SOL_SOCKET, SO_REUSEPORT, 1), 0);
  ASSERT_EQ(set_option(second, SOL_SOCKET, SO_REUSEPORT, 1), 0);
  ASSERT_EQ(attach(first, {BPF_STMT(BPF_RET | BPF_K, 1)}, SO_ATTACH_REUSEPORT_CBPF), 0);
  bind_to(first, loopback4());
  const sockaddr_in address = name_of(first);
  ASSERT_EQ(bind_to(second, address), 0);
  const Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address), 1);
  EXPECT_EQ(text(second), "x");
}

TEST(GroupFilterTest, TakingTheProgramAway) {
  const Fd plain(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(set_option(plain, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0), -EINVAL);
  const Group group = make_group(SOCK_DGRAM, 2);
  EXPECT_EQ(set_option(group.sockets[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0), -ENOENT);
  ASSERT_EQ(attach(group.sockets[0], {BPF_STMT(BPF_RET | BPF_K, 1)}, SO_ATTACH_REUSEPORT_CBPF), 0);
  EXPECT_EQ(set_option(group.sockets[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0), 0);
  EXPECT_EQ(set_option(group.sockets[1], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0), -ENOENT);
  const Fd bound(::socket(AF_INET, SOCK_DGRAM, 0));
  bind_to(bound, loopback4());
  EXPECT_EQ(attach(bound, {kKeepAll}, SO_ATTACH_REUSEPORT_CBPF), -EINVAL);
}

}  // namespace
}  // namespace conformance
