// Tables that are replaced while packets walk through them: every packet meets one table or the other, and every count is
// somewhere.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "compat/xtables/filter_tables.hh"
#include "compat/xtables/table_image.hh"
#include "compat/xtables/table_maker.hh"
#include "hosts/threads/thread_host.hh"
#include "stack/socket_factories.hh"

namespace lxnet {
namespace {

using namespace xtables;

// The table as it is, anew.
Ref<FilterTable> copy_of(Entry& entry, const FilterTable& table, const TableRow& row) {
  const Hal& hal = entry.stack().hal();
  TableImage image(table, IpFamily::V4, Width::Wide);
  EXPECT_TRUE(image.measure(hal).is_ok());
  const std::vector<FilterCounters> counters(table.rules().size());
  Request request;
  request.hooks = row.hooks;
  request.entries = static_cast<uint32_t>(table.rules().size());
  copy_bytes(mutable_bytes_of(request.entry_at), bytes_of(image.shape().entry_at));
  copy_bytes(mutable_bytes_of(request.underflow_at), bytes_of(image.shape().underflow_at));
  request.blob = image.write(hal, counters).take();
  return make_table(entry, std::move(request)).take();
}

TEST(ReplaceThreads, NoPacketIsCountedTwiceOrNowhere) {
  threads::ThreadHost host("test");
  Stack& stack = host.stack();
  const TableRow& row = *find_table_row("filter");
  constexpr int kSenders = 2, kEach = 2000;
  {
    Entry entry(stack);
    ASSERT_TRUE(find_or_create_table(entry, IpFamily::V4, row).is_ok());
  }
  const auto send_all = [&] {
    Entry made(stack);
    const Ref<Socket> socket = create_udp_socket(made, IpFamily::V4, 17).take();
    const Endpoint to{.address = Ipv4Address::loopback(), .port = 9, .scope_id = 0};
    for (uint64_t i = 0; i < kEach; ++i) {
      SpanSource source(bytes_of(i));
      SendRequest request{.source = source, .flags = kMessageDontWait, .destination = &to, .control = {}};
      Entry entry(stack);
      static_cast<void>(socket->send(entry, request));
    }
    Entry entry(stack);
    socket->close(entry);
  };
  std::atomic<bool> is_over{false};
  uint64_t counted = 0;
  const auto add = [&](const FilterTable& table) {
    std::vector<FilterCounters> counters(table.rules().size());
    stack.filter().read_counters(table, counters);
    constexpr size_t kOutput = 2;  // the policy of OUTPUT
    counted += counters[kOutput].packets;
  };
  std::thread replacer([&] {
    while (!is_over.load()) {
      Entry entry(stack);
      const Ref<FilterTable> present = stack.filter().find(IpFamily::V4, row.kind);
      auto old = stack.filter().replace(IpFamily::V4, row.kind, copy_of(entry, *present, row), present->rules().size());
      ASSERT_TRUE(old.is_ok());
      add(*old.take());
    }
  });
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) senders.emplace_back(send_all);
  for (auto& thread : senders) thread.join();
  is_over.store(true);
  replacer.join();
  add(*stack.filter().find(IpFamily::V4, row.kind));
  // Each datagram, and the port unreachable that it got, if it got one.
  EXPECT_GE(counted, uint64_t{kSenders} * kEach);
  EXPECT_LE(counted, uint64_t{kSenders} * kEach * 2);
}

}  // namespace
}  // namespace lxnet
