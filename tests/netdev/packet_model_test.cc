// Random operations on packets, and on a flat vector of bytes beside each: they must never differ.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <vector>

#include "netdev/packet.hh"
#include "netdev/packet_pool.hh"
#include "tests/support/test_hal.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::TestHal;
using Bytes = std::vector<uint8_t>;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {}

  void run(size_t steps) {
    pairs_.push_back({Packet::create(pool_).take(), {}});
    for (size_t i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      if (below(20) == 0) hal_.fail_allocation(below(3));
      step(pairs_[below(pairs_.size())]);
      hal_.allow_all_allocations();
      check();
    }
  }

 private:
  struct Pair {
    Ref<Packet> packet;
    Bytes bytes;
  };

  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  // Small sizes often, large ones sometimes.
  size_t some_size() { return below(4) == 0 ? below(5000) : below(100); }
  Bytes some_bytes(size_t size) {
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return bytes;
  }

  void step(Pair& pair) {
    switch (below(12)) {
      case 0:
        return push(pair);
      case 1:
        return consume(pair, below(std::min<size_t>(pair.bytes.size(), 200) + 1));
      case 2:
        return append(pair);
      case 3:
        return append_copy(pair);
      case 4:
        return append_fragment(pair);
      case 5:
        return append_from(pair, pairs_[below(pairs_.size())]);
      case 6:
        return static_cast<void>(pair.packet->pull_up(below(pair.bytes.size() + 1)));
      case 7:
        return trim(pair, pair.bytes.size() - below(std::min<size_t>(pair.bytes.size(), 300) + 1));
      case 8:
        return clone(pair);
      case 9:
        return write(pair);
      case 10:
        return consume(pair, below(pair.bytes.size() + 1));
      default:
        return replace(pair);
    }
  }

  void push(Pair& pair) {
    const Bytes header = some_bytes(below(60));
    if (!pair.packet->ensure_headroom(header.size()).is_ok()) return;
    copy_bytes(pair.packet->push_header(header.size()), header);
    pair.bytes.insert(pair.bytes.begin(), header.begin(), header.end());
    if (below(2) == 0) pair.packet->mark_network_header();
  }
  void consume(Pair& pair, size_t size) {
    pair.packet->consume(size);
    pair.bytes.erase(pair.bytes.begin(), pair.bytes.begin() + static_cast<ptrdiff_t>(size));
  }
  void append(Pair& pair) {
    if (!pair.packet->fragments().empty()) return;
    add(pair, some_bytes(below(pair.packet->tailroom() + 1)), [&](const Bytes& bytes) -> Result<> {
      copy_bytes(pair.packet->append(bytes.size()), bytes);
      return ok();
    });
  }
  void append_copy(Pair& pair) {
    add(pair, some_bytes(some_size()), [&](const Bytes& bytes) { return pair.packet->append_copy(bytes); });
  }
  void append_fragment(Pair& pair) {
    auto block = DataBlock::create(pool_, 1 + some_size());
    if (!block.is_ok()) return;
    Ref<DataBlock> data = block.take();
    const Bytes content = some_bytes(data->capacity());
    copy_bytes(MutableByteSpan(data->bytes(), data->capacity()), content);
    const size_t offset = below(content.size()), size = below(content.size() - offset + 1);
    const auto from = content.begin() + static_cast<ptrdiff_t>(offset);
    add(pair, Bytes(from, from + static_cast<ptrdiff_t>(size)), [&](const Bytes&) {
      return pair.packet->append_fragment(data, static_cast<uint32_t>(offset), static_cast<uint32_t>(size));
    });
  }
  void append_from(Pair& pair, const Pair& other) {
    if (&pair == &other || pair.bytes.size() > 200'000) return;
    const size_t offset = below(other.bytes.size() + 1), size = below(other.bytes.size() - offset + 1);
    const auto from = other.bytes.begin() + static_cast<ptrdiff_t>(offset);
    add(pair, Bytes(from, from + static_cast<ptrdiff_t>(size)),
        [&](const Bytes&) { return pair.packet->append_from(*other.packet, offset, size); });
  }
  template <typename Append>
  void add(Pair& pair, const Bytes& bytes, Append&& append) {
    if (append(bytes).is_ok()) pair.bytes.insert(pair.bytes.end(), bytes.begin(), bytes.end());
  }
  void trim(Pair& pair, size_t size) {
    pair.packet->trim(size);
    pair.bytes.resize(size);
  }
  void clone(Pair& pair) {
    if (pairs_.size() == 12) return replace(pair);
    auto copy = pair.packet->clone();
    if (copy.is_ok()) pairs_.push_back({copy.take(), pair.bytes});
  }
  void write(Pair& pair) {
    const size_t size = below(pair.bytes.size() + 1);
    if (!pair.packet->make_writable(size).is_ok()) return;
    for (size_t i = 0; i < size; ++i) pair.bytes[i] = pair.packet->mutable_linear()[i] = static_cast<uint8_t>(random_());
  }
  void replace(Pair& pair) {
    auto created = below(2) == 0 ? Packet::create(pool_) : Packet::create_linear(pool_, some_size(), below(300));
    if (created.is_ok()) pair = {created.take(), {}};
  }

  void check() {
    for (const Pair& pair : pairs_) {
      ASSERT_EQ(pair.packet->size(), pair.bytes.size());
      Bytes bytes(pair.bytes.size());
      ASSERT_EQ(pair.packet->read(0, bytes), bytes.size());
      ASSERT_EQ(bytes, pair.bytes);
      const uint8_t* mark = pair.packet->network_header();
      if (mark != nullptr && mark == pair.packet->linear().data() && !pair.packet->linear().empty()) {
        ASSERT_EQ(*mark, bytes[0]);
      }
    }
  }

  TestHal hal_;
  PacketPool pool_{hal_, 64 << 20};
  std::mt19937_64 random_;
  std::vector<Pair> pairs_;
};

TEST(PacketModelTest, RandomOperationsKeepEveryPacketEqualToItsFlatModel) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model(seed).run(400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace lxnet
