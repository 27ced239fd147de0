// Joining, leaving and filtering groups: errnos, what the interface listens to, and exactly what is told to routers.
#include "stack/igmp/memberships.hh"

#include "stack/wire/igmp.hh"
#include "stack/wire/mld.hh"
#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

constexpr Ipv4Address kGroup{239, 1, 2, 3};
constexpr Ipv4Address kSource1{192, 0, 2, 1}, kSource2{192, 0, 2, 2};

struct Record {
  GroupRecordType type;
  IpAddress group;
  std::vector<IpAddress> sources;
  bool operator==(const Record&) const = default;
};

class Groups : public ::testing::Test {
 protected:
  ~Groups() override {
    Entry entry(*bench.stack);
    groups().leave_all(entry, socket);
    groups().leave_all(entry, other);
  }
  Memberships& groups() { return bench.stack->memberships(); }
  GroupInterface on() { return {.index = bench.interface->index()}; }
  template <typename Call>
  auto call(Call&& call_with) {
    Entry entry(*bench.stack);
    return call_with(entry);
  }
  Result<> join(SocketGroups& of, const IpAddress& group) {
    return call([&](Entry& entry) { return groups().join(entry, of, group, on()); });
  }
  Result<> leave(SocketGroups& of, const IpAddress& group) {
    return call([&](Entry& entry) { return groups().leave(entry, of, group, on()); });
  }
  // The records of the one IGMPv3 report among what was sent; checks its header.
  std::vector<Record> take_report() {
    const Bytes packet = bench.take_one();
    const Ipv4Header& header = v4_header(packet);
    EXPECT_EQ(header.destination, Ipv4Address::all_igmpv3_routers());
    EXPECT_EQ(header.source, IpBench::kOwn4);
    EXPECT_EQ(header.time_to_live, 1);
    EXPECT_EQ(header.type_of_service, 0xc0);
    EXPECT_TRUE(header.dont_fragment());
    EXPECT_EQ(part(packet, 20, 4), (Bytes{148, 4, 0, 0}));
    const Bytes message = from(packet, 24);
    EXPECT_EQ(internet_checksum(message), 0);
    std::vector<Record> records;
    auto opened = IgmpReportHeader::records_in(message);
    EXPECT_TRUE(opened.is_ok());
    if (!opened.is_ok()) return records;
    auto reader = opened.take();
    while (!reader.is_at_end()) {
      const IgmpGroupRecord record = reader.next().take();
      Record copy{record.type, record.group, {}};
      for (const Ipv4Address& source : record.sources) copy.sources.push_back(source);
      records.push_back(copy);
    }
    return records;
  }
  // The first report of a change goes out at once, the second within a second.
  std::vector<Record> take_both_reports() {
    bench.advance(Duration::millis(10));
    const std::vector<Record> first = take_report();
    bench.advance(Duration::millis(1100));
    EXPECT_EQ(take_report(), first);
    bench.advance(Duration::seconds(20));
    EXPECT_TRUE(bench.take_sent().empty()) << "a change is told twice and no more";
    return first;
  }
  void query(const Bytes& message, Ipv4Address to = Ipv4Address::all_hosts()) {
    Bytes summed = message;
    const uint16_t sum = internet_checksum(summed);
    summed[2] = static_cast<uint8_t>(sum >> 8);
    summed[3] = static_cast<uint8_t>(sum);
    bench.inject(
        v4_packet({.source = IpBench::kPeer4, .destination = to, .protocol = IpProtocol::Igmp, .time_to_live = 1}, summed));
  }

  IpBench bench;
  SocketGroups socket, other;
};

TEST_F(Groups, ErrorsAreLinuxs) {
  EXPECT_TRUE(join(socket, Ipv4Address(10, 0, 0, 9)).is_error(Errno::EINVAL));
  EXPECT_TRUE(call([&](Entry& e) { return groups().join(e, socket, kGroup, {.index = 99}); }).is_error(Errno::ENODEV));
  EXPECT_TRUE(call([&](Entry& e) {
                return groups().join(e, socket, kGroup, {.address = Ipv4Address(1, 2, 3, 4)});
              }).is_error(Errno::ENODEV));
  EXPECT_TRUE(leave(socket, kGroup).is_error(Errno::EADDRNOTAVAIL));
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_TRUE(join(socket, kGroup).is_error(Errno::EADDRINUSE));
  EXPECT_TRUE(join(other, kGroup).is_ok());
  EXPECT_TRUE(leave(socket, kGroup).is_ok());
  EXPECT_TRUE(leave(socket, kGroup).is_error(Errno::EADDRNOTAVAIL));
  const auto source_call = [&](auto method, Ipv4Address source) {
    return call([&](Entry& e) { return (groups().*method)(e, socket, kGroup, on(), source); });
  };
  EXPECT_TRUE(source_call(&Memberships::block_source, kSource1).is_error(Errno::EINVAL)) << "not joined";
  EXPECT_TRUE(source_call(&Memberships::join_source, kSource1).is_ok());
  EXPECT_TRUE(source_call(&Memberships::join_source, kSource1).is_error(Errno::EADDRNOTAVAIL)) << "has it";
  EXPECT_TRUE(source_call(&Memberships::block_source, kSource2).is_error(Errno::EINVAL)) << "of the other mode";
  EXPECT_TRUE(source_call(&Memberships::leave_source, kSource2).is_error(Errno::EADDRNOTAVAIL));
  EXPECT_TRUE(source_call(&Memberships::leave_source, kSource1).is_ok());
  EXPECT_TRUE(leave(socket, kGroup).is_error(Errno::EADDRNOTAVAIL)) << "the last source took the group along";
}

TEST_F(Groups, AreBoundedPerSocketAndInSources) {
  for (uint8_t i = 0; i < 20; ++i) EXPECT_TRUE(join(socket, Ipv4Address(239, 2, 0, i)).is_ok());
  EXPECT_TRUE(join(socket, kGroup).is_error(Errno::ENOBUFS));
  EXPECT_TRUE(join(other, kGroup).is_ok());
  for (uint8_t i = 0; i < 11; ++i) {
    const Result<> blocked =
        call([&](Entry& e) { return groups().block_source(e, other, kGroup, on(), Ipv4Address(192, 0, 2, i)); });
    EXPECT_EQ(blocked.is_ok(), i < 10);
    if (i == 10) {
      EXPECT_TRUE(blocked.is_error(Errno::ENOBUFS));
    }
  }
}

TEST_F(Groups, AJoinAndALeaveAreReportedTwiceEach) {
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::ChangeToExcludeMode, kGroup, {}}}));
  EXPECT_TRUE(join(other, kGroup).is_ok());
  bench.advance(Duration::seconds(3));
  EXPECT_TRUE(bench.take_sent().empty()) << "nothing has changed for the link";
  EXPECT_TRUE(leave(socket, kGroup).is_ok());
  bench.advance(Duration::seconds(3));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_TRUE(leave(other, kGroup).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::ChangeToIncludeMode, kGroup, {}}}));
}

TEST_F(Groups, TheDeviceHearsOfTheFirstAndTheLast) {
  HardwareAddress address{{0x01, 0x00, 0x5e, 0x01, 0x02, 0x03}};
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_TRUE(join(other, kGroup).is_ok());
  // The same link-layer address (the low 23 bits are equal).
  EXPECT_TRUE(join(other, Ipv4Address(238, 129, 2, 3)).is_ok());
  EXPECT_EQ(bench.device.filters, (std::vector<std::pair<HardwareAddress, bool>>{{address, true}}));
  EXPECT_TRUE(leave(socket, kGroup).is_ok());
  EXPECT_TRUE(leave(other, kGroup).is_ok());
  EXPECT_EQ(bench.device.filters.size(), 1u);
  EXPECT_TRUE(leave(other, Ipv4Address(238, 129, 2, 3)).is_ok());
  EXPECT_EQ(bench.device.filters.back(), (std::pair<HardwareAddress, bool>{address, false}));
}

// RFC 1112, 4; RFC 4291, 2.8: 224.0.0.1 and ff02::1, and a router's ff02::2, which are nobody's membership.
TEST_F(Groups, TheDeviceHearsWhatIsEverybodys) {
  const HardwareAddress hosts{{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}}, nodes{{0x33, 0x33, 0, 0, 0, 1}},
      routers{{0x33, 0x33, 0, 0, 0, 2}};
  using Told = std::vector<std::pair<HardwareAddress, bool>>;
  Told& told = bench.device.filters;
  const auto start_again = [&] {
    for (const LinkState state : {LinkState::Down, LinkState::Up}) {
      EXPECT_TRUE(
          call([&](Entry& entry) { return bench.stack->interfaces().set_state(entry, *bench.interface, state); }).is_ok());
    }
    Told changed;
    std::swap(changed, told);
    std::erase_if(changed, [](const auto& one) { return one.first.bytes[2] == 0xff; });  // solicited-node, of the addresses
    return changed;
  };
  const auto forward = [&](const char* value) {
    EXPECT_TRUE(bench.stack->tunables().set("net.ipv6.conf.all.forwarding", value).is_ok());
    Told changed;
    std::swap(changed, told);
    return changed;
  };
  EXPECT_EQ(start_again(), (Told{{hosts, true}, {nodes, true}}));
  EXPECT_EQ(forward("1"), (Told{{routers, true}}));
  EXPECT_EQ(start_again(), (Told{{hosts, true}, {nodes, true}, {routers, true}}));
  // A member that goes takes nothing away.
  for (const IpAddress group : {IpAddress(Ipv6Address::all_routers()), IpAddress(Ipv6Address::all_nodes())}) {
    EXPECT_TRUE(join(socket, group).is_ok());
    EXPECT_TRUE(leave(socket, group).is_ok());
  }
  EXPECT_EQ(told, Told{});
  // Nor does a router that is none any more, of what a member wants.
  EXPECT_TRUE(join(socket, Ipv6Address::all_routers()).is_ok());
  EXPECT_EQ(forward("0"), Told{});
  EXPECT_TRUE(leave(socket, Ipv6Address::all_routers()).is_ok());
  EXPECT_EQ(told, (Told{{routers, false}}));
}

TEST_F(Groups, FiltersOfSocketsCombine) {
  const auto accepts = [&](Ipv4Address source) { return groups().accepts(*bench.interface, kGroup, source); };
  const auto wanted = [&](SocketGroups& by, Ipv4Address source) {
    return groups().is_wanted(by, kGroup, source, bench.interface->index(), false);
  };
  EXPECT_FALSE(accepts(kSource1));
  EXPECT_TRUE(call([&](Entry& e) { return groups().join_source(e, socket, kGroup, on(), kSource1); }).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::AllowNewSources, kGroup, {kSource1}}}));
  EXPECT_TRUE(accepts(kSource1));
  EXPECT_FALSE(accepts(kSource2));

  EXPECT_TRUE(join(other, kGroup).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::ChangeToExcludeMode, kGroup, {}}}));
  EXPECT_TRUE(call([&](Entry& e) { return groups().block_source(e, other, kGroup, on(), kSource1); }).is_ok());
  bench.advance(Duration::seconds(3));
  EXPECT_TRUE(bench.take_sent().empty()) << "somebody includes it: the link still wants it";
  EXPECT_TRUE(call([&](Entry& e) { return groups().block_source(e, other, kGroup, on(), kSource2); }).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::BlockOldSources, kGroup, {kSource2}}}));
  EXPECT_TRUE(accepts(kSource1));
  EXPECT_FALSE(accepts(kSource2));
  EXPECT_TRUE(accepts(Ipv4Address(192, 0, 2, 3)));
  EXPECT_TRUE(wanted(socket, kSource1));
  EXPECT_FALSE(wanted(socket, kSource2));
  EXPECT_FALSE(wanted(other, kSource1));
  EXPECT_TRUE(wanted(other, Ipv4Address(192, 0, 2, 3)));

  EXPECT_TRUE(leave(other, kGroup).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::ChangeToIncludeMode, kGroup, {kSource1}}}));
}

TEST_F(Groups, AWholeFilterIsSetAndRead) {
  const IpAddress sources[] = {kSource1, kSource2};
  const auto set = [&](FilterMode mode, std::span<const IpAddress> list) {
    return call([&](Entry& e) { return groups().set_filter(e, socket, kGroup, on(), mode, list); });
  };
  EXPECT_TRUE(set(FilterMode::Include, sources).is_error(Errno::EINVAL)) << "not joined";
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_TRUE(set(FilterMode::Include, sources).is_ok());
  FilterMode mode{};
  IpAddress read[1];
  EXPECT_EQ(call([&](Entry& e) { return groups().get_filter(e, socket, kGroup, on(), mode, read); }).take(), 2u);
  EXPECT_EQ(mode, FilterMode::Include);
  EXPECT_EQ(read[0], IpAddress(kSource1));
  EXPECT_TRUE(set(FilterMode::Include, {}).is_ok());
  EXPECT_TRUE(leave(socket, kGroup).is_error(Errno::EADDRNOTAVAIL)) << "INCLUDE of nothing left the group";
}

TEST_F(Groups, AGeneralQueryIsAnsweredWithinItsTime) {
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_TRUE(call([&](Entry& e) { return groups().join_source(e, other, Ipv4Address(239, 9, 9, 9), on(), kSource1); }).is_ok());
  bench.advance(Duration::seconds(5));
  bench.take_sent();
  query({0x11, 50, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0});  // IGMPv3: five seconds
  EXPECT_TRUE(bench.take_sent().empty());
  bench.advance(Duration::seconds(5));
  const std::vector<Record> expected = {{GroupRecordType::ModeIsExclude, kGroup, {}},
                                        {GroupRecordType::ModeIsInclude, Ipv4Address(239, 9, 9, 9), {kSource1}}};
  EXPECT_EQ(take_report(), expected);
}

TEST_F(Groups, AQueryForSourcesIsAnsweredWithThoseThatAreWanted) {
  EXPECT_TRUE(call([&](Entry& e) { return groups().join_source(e, socket, kGroup, on(), kSource1); }).is_ok());
  bench.advance(Duration::seconds(5));
  bench.take_sent();
  query({0x11, 10, 0, 0, 239, 1, 2, 3, 2, 125, 0, 2, 192, 0, 2, 1, 192, 0, 2, 2}, kGroup);
  bench.advance(Duration::seconds(2));
  EXPECT_EQ(take_report(), (std::vector<Record>{{GroupRecordType::ModeIsInclude, kGroup, {kSource1}}}));
}

TEST_F(Groups, AnOldQuerierIsSpokenToInItsVersion) {
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  bench.advance(Duration::seconds(5));
  bench.take_sent();
  query({0x11, 100, 0, 0, 0, 0, 0, 0});  // IGMPv2: ten seconds
  bench.advance(Duration::seconds(10));
  Bytes report = bench.take_one();
  EXPECT_EQ(v4_header(report).destination, kGroup);
  EXPECT_EQ(part(report, 24, 2), (Bytes{0x16, 0}));
  EXPECT_EQ(part(report, 28, 4), (Bytes{239, 1, 2, 3}));
  EXPECT_TRUE(leave(socket, kGroup).is_ok());
  const Bytes left = bench.take_one();
  EXPECT_EQ(v4_header(left).destination, Ipv4Address::all_routers());
  EXPECT_EQ(left[24], 0x17);
  // Silent for long enough, the old querier is forgotten.
  bench.advance(Duration::seconds(300));
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  EXPECT_EQ(take_both_reports(), (std::vector<Record>{{GroupRecordType::ChangeToExcludeMode, kGroup, {}}}));
}

TEST_F(Groups, AnotherListenersReportSavesOurs) {
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  bench.advance(Duration::seconds(5));
  bench.take_sent();
  query({0x11, 100, 0, 0, 0, 0, 0, 0});
  query({0x16, 0, 0, 0, 239, 1, 2, 3}, kGroup);
  bench.advance(Duration::seconds(11));
  EXPECT_TRUE(bench.take_sent().empty());
  EXPECT_TRUE(leave(socket, kGroup).is_ok());
  EXPECT_TRUE(bench.take_sent().empty()) << "who did not report last does not say that it leaves";
}

TEST_F(Groups, OnlyMembersHearAGroup) {
  const Bytes ping = v4_packet({.source = IpBench::kPeer4, .destination = kGroup, .protocol = IpProtocol{253}}, pattern(20));
  bench.inject(ping);
  EXPECT_EQ(bench.drops(DropReason::MulticastNotMember), 1u);
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  bench.inject(ping);
  EXPECT_EQ(bench.drops(DropReason::MulticastNotMember), 1u);
  EXPECT_EQ(bench.mib(Mib::IpInUnknownProtos), 1u);
}

TEST_F(Groups, OfIpv6AreReportedToTheRoutersOfTheLink) {
  const Ipv6Address group(0xff05, 0, 0, 0, 0, 0, 0, 0x1234);
  EXPECT_TRUE(join(socket, group).is_ok());
  bench.advance(Duration::millis(10));
  const Bytes packet = bench.take_one();
  EXPECT_EQ(v6_header(packet).destination, Ipv6Address::all_mldv2_routers());
  EXPECT_EQ(v6_header(packet).hop_limit, 1);
  EXPECT_EQ(v6_header(packet).next_header, 0);
  EXPECT_EQ(part(packet, 40, 8), (Bytes{58, 0, 5, 2, 0, 0, 1, 0}));
  const Bytes message = from(packet, 48);
  InternetChecksum sum = pseudo_header_checksum(v6_header(packet).source, v6_header(packet).destination, IpProtocol::Icmpv6,
                                                static_cast<uint32_t>(message.size()));
  sum.add(message);
  EXPECT_TRUE(sum.is_valid());
  auto reader = MldReportHeader::records_in(message).take();
  const MldGroupRecord record = reader.next().take();
  EXPECT_EQ(record.type, GroupRecordType::ChangeToExcludeMode);
  EXPECT_EQ(record.group, group);
  EXPECT_TRUE(reader.is_at_end());
}

TEST_F(Groups, AFailedCallHasChangedNothing) {
  const IpAddress sources[] = {kSource1, kSource2};
  EXPECT_TRUE(join(socket, kGroup).is_ok());
  bench.advance(Duration::seconds(5));
  bench.take_sent();
  size_t failures = 0;
  for_each_failing_allocation(bench.hal, [&] {
    Entry entry(*bench.stack);
    const Result<> set = groups().set_filter(entry, socket, kGroup, on(), FilterMode::Exclude, sources);
    bench.hal.allow_all_allocations();
    FilterMode mode{};
    const uint32_t count = groups().get_filter(entry, socket, kGroup, on(), mode, {}).take();
    EXPECT_EQ(count, set.is_ok() ? 2u : 0u);
    EXPECT_EQ(groups().accepts(*bench.interface, kGroup, kSource1), !set.is_ok());
    if (!set.is_ok()) {
      ++failures;
      EXPECT_EQ(set.error(), Errno::ENOBUFS);
    }
  });
  EXPECT_GE(failures, 2u);
}

}  // namespace
}  // namespace lxnet
