// Finding the socket of a packet among 1k to 1M connected ones, in an order no cache foresees. Warm, small tables sit in the
// caches and large ones do not; cold, the caches are emptied before each batch of lookups at every size, as other work does
// between packets. The flows lie in huge pages, as a kernel's slabs do.
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "bench/support/bench.hh"
#include "bench/support/systems.hh"
#include "stack/stack.hh"
#include "tests/support/fake_socket.hh"

namespace lxnet::bench {
namespace {

using namespace lxnet::testing;

class Flows {
 public:
  explicit Flows(size_t count)
      : count_(count),
        entries_(static_cast<DemuxEntry*>(allocate_huge(count * sizeof(DemuxEntry)))),
        index_(static_cast<DemuxEntry**>(allocate_huge(count * sizeof(DemuxEntry*)))) {
    require(entries_ != nullptr && index_ != nullptr, "no memory for the flows");
    for (size_t i = 0; i < count; ++i) {
      DemuxEntry& entry = *new (&entries_[i]) DemuxEntry;
      entry.socket = socket_.get();
      entry.space = DemuxSpace::Tcp;
      entry.local = Ipv4Address(192, 0, 2, 1);
      entry.local_port = 80;
      entry.remote = remote_of(i);
      entry.remote_port = port_of(i);
      index_[i] = &entry;
      require(set().add_flow(entry, FlowSharing::Unique).is_ok(), "no memory for the flows");
    }
  }
  ~Flows() {
    for (size_t i = 0; i < count_; ++i) {
      set().remove(entries_[i]);
      entries_[i].~DemuxEntry();
    }
    free(entries_);
    free(index_);
  }

  // A batch of lookups after everything was thrown out of the caches: nanoseconds of one.
  double find_cold() {
    constexpr int kBatch = 64;
    evict();
    return nanos_of([this] {
             for (int i = 0; i < kBatch; ++i) find_next();
           }) /
           kBatch;
  }
  // As a device delivers packets: of a whole batch the flows are fetched first (stack/look_ahead.hh).
  double find_cold_ahead() {
    constexpr int kBatch = 64, kPerDelivery = 32;
    evict();
    return nanos_of([this] {
             for (int i = 0; i < kBatch; i += kPerDelivery) {
               PacketTuple packets[kPerDelivery];
               uint64_t hashes[kPerDelivery];
               for (int at = 0; at < kPerDelivery; ++at) {
                 step();
                 packets[at] = next_packet();
                 hashes[at] = packets[at].hashes.flow = set().hash_flow(packets[at]);
               }
               if (set().is_worth_fetching()) set().fetch_flows(hashes);
               for (const PacketTuple& packet : packets) keep(set().find_flow(packet).socket.get());
             }
           }) /
           kBatch;
  }
  // The same batch without a table: what it costs the machine, address translation included, to read one place of an index, then
  // the flow it names, and then to know the next.
  double read_cold() {
    constexpr int kBatch = 64;
    evict();
    return nanos_of([this] {
             for (int i = 0; i < kBatch; ++i) {
               step();
               next_ += index_[next_]->uid;  // none has one
             }
           }) /
           kBatch;
  }
  void find_next() {
    step();
    keep(set().find_flow(next_packet()).socket.get());
  }

 private:
  PacketTuple next_packet() const {
    return {.space = DemuxSpace::Tcp,
            .local = Ipv4Address(192, 0, 2, 1),
            .remote = remote_of(next_),
            .local_port = 80,
            .remote_port = port_of(next_),
            .interface_index = 1};
  }
  void step() { next_ = (next_ + 7919) % count_; }
  void evict() {
    uint64_t sum = 0;
    for (const uint64_t& word : evicting_) sum += word;
    keep(sum);
  }
  static IpAddress remote_of(size_t i) { return Ipv4Address(static_cast<uint32_t>(0x0a000000 + i / 50000)); }
  static uint16_t port_of(size_t i) { return static_cast<uint16_t>(1024 + i % 50000); }
  Stack& stack() { return *reinterpret_cast<Stack*>(host_.c_stack()); }
  SocketSet& set() { return stack().sockets(); }

  SoloHost host_{"bench"};
  Ref<FakeSocket> socket_ = FakeSocket::create(stack(), IpFamily::V4);
  size_t count_, next_ = 0;
  std::vector<uint64_t> evicting_ = std::vector<uint64_t>(size_t{64} << 17, 1);  // 64 MiB
  DemuxEntry* entries_;
  DemuxEntry** index_;
};

}  // namespace

void add_cases(Suite& suite) {
  for (const size_t count : {size_t{1000}, size_t{10'000}, size_t{100'000}, size_t{1'000'000}}) {
    const std::string name = "one of " + std::to_string(count) + " flows";
    suite.add({.name = name + ", warm",
               .lxnet = [=] { return once([flows = std::make_shared<Flows>(count)] { flows->find_next(); }); }});
    suite.add({.name = name + ", cold",
               .lxnet = [=] { return measured([flows = std::make_shared<Flows>(count)] { return flows->find_cold(); }); },
               .floor = [=] { return measured([flows = std::make_shared<Flows>(count)] { return flows->read_cold(); }); }});
    suite.add({.name = name + ", cold, 32 at a time",
               .lxnet = [=] { return measured([flows = std::make_shared<Flows>(count)] { return flows->find_cold_ahead(); }); }});
  }
}

}  // namespace lxnet::bench
