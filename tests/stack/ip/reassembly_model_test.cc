// Reassembly against a naive model: random cuts, orders, repeats, losses and overlaps.
#include <algorithm>
#include <map>
#include <random>

#include "tests/stack/ip/ip_bench.hh"

namespace lxnet {
namespace {

using namespace testing;

struct Cut {
  size_t offset, size;
};

// What the rules say of a datagram of whole.size() bytes when these fragments come in this order: complete, or not.
// Kept as plain as can be: a byte map, and the runs in which fragments came.
class Model {
 public:
  explicit Model(size_t total) : total_(total) {}

  enum class State { Open, Complete, Dead };
  // After Complete or Dead a fragment begins the datagram anew.
  State add(const Cut& cut) {
    const size_t end = cut.offset + cut.size;
    for (const auto& [run_offset, run_end] : runs_) {
      if (end <= run_offset || cut.offset >= run_end) continue;
      const bool is_repeat = cut.offset >= run_offset && end <= run_end && end <= farthest();
      if (is_repeat) return State::Open;
      return reset(State::Dead);
    }
    // Only what comes right behind everything joins the last run.
    if (!runs_.empty() && cut.offset == farthest()) {
      runs_.rbegin()->second = end;
    } else {
      runs_[cut.offset] = end;
    }
    received_ += cut.size;
    return received_ == total_ ? reset(State::Complete) : State::Open;
  }

 private:
  size_t farthest() const { return runs_.empty() ? 0 : runs_.rbegin()->second; }
  State reset(State state) {
    runs_.clear();
    received_ = 0;
    return state;
  }

  size_t total_;
  size_t received_ = 0;
  std::map<size_t, size_t> runs_;
};

class ReassemblyModel : public ::testing::TestWithParam<unsigned> {
 protected:
  std::vector<Cut> random_cuts(size_t total) {
    std::vector<Cut> cuts;
    for (size_t offset = 0; offset < total;) {
      size_t size = 8 * (1 + random() % 20);
      if (random() % 4 == 0) size = 8;
      size = std::min(size, total - offset);
      cuts.push_back({offset, size});
      offset += size;
    }
    return cuts;
  }
  size_t random() { return generator_(); }
  void inject(IpBench& bench, const Bytes& whole, const Cut& cut) {
    bench.inject(v4_packet({.source = IpBench::kPeer4,
                            .destination = IpBench::kOwn4,
                            .protocol = IpProtocol::Icmp,
                            .more_fragments = cut.offset + cut.size != whole.size(),
                            .identification = 7,
                            .fragment_offset = static_cast<uint16_t>(cut.offset)},
                           part(whole, cut.offset, cut.size)));
  }

  std::mt19937 generator_{GetParam()};
};

TEST_P(ReassemblyModel, AgreesWithTheNaiveModel) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  IpBench bench;
  bench.stack->tunables().values().ipfrag_max_dist = 0;
  for (int round = 0; round < 60; ++round) {
    const size_t total = 16 + random() % 1400;
    const Bytes whole = icmp4_message(Icmp4Message::echo(Icmp4Type::Echo, 1, static_cast<uint16_t>(round)), pattern(total - 8));
    std::vector<Cut> cuts = random_cuts(total);
    std::shuffle(cuts.begin(), cuts.end(), generator_);
    // Some come twice, some are lost, some lie across others.
    for (size_t i = random() % 3; i != 0; --i) cuts.push_back(cuts[random() % cuts.size()]);
    if (random() % 3 == 0) cuts.erase(cuts.begin() + static_cast<long>(random() % cuts.size()));
    if (random() % 3 == 0) {
      const size_t offset = random() % total / 8 * 8;
      const size_t size = std::min<size_t>(8 * (1 + random() % 10), total - offset);
      cuts.insert(cuts.begin() + static_cast<long>(random() % (cuts.size() + 1)), {offset, size});
    }
    Model model(total);
    for (const Cut& cut : cuts) {
      if (cut.size == total) continue;  // that is no fragment
      inject(bench, whole, cut);
      const size_t replies = bench.take_sent().size();
      ASSERT_EQ(replies, model.add(cut) == Model::State::Complete ? 1u : 0u)
          << "round " << round << " total " << total << " at " << cut.offset << "+" << cut.size;
    }
    bench.advance(Duration::seconds(31));
    bench.take_sent();
    ASSERT_EQ(bench.stack->ip().reassembly4().memory(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReassemblyModel, ::testing::Range(1u, 21u));

}  // namespace
}  // namespace lxnet
