// A TCP peer speaks segments to an application's socket, on Linux and on lxnet: what leaves is the same, and so is what the
// application is told.
//
// LXNET_SEED chooses the first seed, LXNET_PEER_SEEDS how many; every difference is shrunk and shown. With LXNET_PEER_SEEDS alone
// a run plays what has never been played; without either it plays the same few.
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/differential/peer_logs.hh"

namespace differential {
namespace {

using Kernel = TwoKernels::Kernel;
constexpr uint64_t kSeedsAtOnce = 96;
// Where nothing differs; there are differences left that fresh seeds find.
constexpr uint64_t kUsual[] = {7, 9, 10, 11, 12, 16, 19};
// How much longer every pause is when a difference is looked at again: what is time's doing then goes elsewhere. A timer of
// Linux's comes by its tick and later where a processor sleeps, up to 12 ms: beyond the end of a short pause, but not of the
// longest.
constexpr int kStretches[] = {1000, 1045, 1110, 2300};

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = getenv(variable);
  return text == nullptr ? otherwise : strtoull(text, nullptr, 10);
}

struct Difference {
  int line = -1, step = -1;
};

Difference difference_of(const Lines& left, const Lines& right) {
  const int line = first_other(left, right);
  return line < 0 ? Difference{} : Difference{line, step_of(left.size() >= right.size() ? left : right, line)};
}

class PeerWalker {
 public:
  void compare(const std::vector<uint64_t>& chosen) {
    std::vector<PeerPlay> plays;
    for (const uint64_t seed : chosen) plays.push_back({.seed = seed, .stretch = 1000});
    const std::vector<Lines> left = play(Kernel::Linux, plays), right = play_beside(plays, left);
    std::vector<uint64_t> differing;
    for (size_t i = 0; i < plays.size(); ++i) {
      ++seeds;
      ASSERT_FALSE(left[i].empty()) << "seed " << plays[i].seed << " did not run on Linux";
      if (is_late(left[i])) {
        ++late;
        continue;
      }
      for (const std::string& line : left[i]) segments += line.find(" > ") != std::string::npos;
      if (difference_of(left[i], right[i]).line >= 0) differing.push_back(plays[i].seed);
    }
    look_again(differing);
  }

  uint64_t seeds = 0, segments = 0, late = 0, unsteady = 0, different = 0;
  bool shrinks = true;  // which takes a minute

 private:
  // A difference counts that is there at the same step whatever the pauses, while Linux is at one with itself.
  void look_again(const std::vector<uint64_t>& differing) {
    std::vector<PeerPlay> plays;
    for (const uint64_t seed : differing) {
      for (const int stretch : kStretches) plays.push_back({.seed = seed, .stretch = stretch});
    }
    const std::vector<Lines> left = play(Kernel::Linux, plays), once_more = play(Kernel::Linux, plays);
    const std::vector<Lines> right = play_beside(plays, left);
    for (size_t i = 0; i < differing.size(); ++i) {
      std::multiset<int> steps;
      int at_longest = -1;
      for (size_t j = i * std::size(kStretches); j < (i + 1) * std::size(kStretches); ++j) {
        const Difference difference = difference_of(left[j], right[j]);
        const int unsteady_from = first_other(left[j], once_more[j]);
        at_longest = -1;
        if (difference.line < 0 || (unsteady_from >= 0 && unsteady_from <= difference.line)) continue;
        steps.insert(at_longest = difference.step);
      }
      const auto often = std::ranges::find_if(steps, [&](int step) { return step == at_longest && steps.count(step) >= 3; });
      if (often == steps.end()) {
        ++unsteady;
        printf("unsteady: seed %llu\n", static_cast<unsigned long long>(differing[i]));
      } else {
        ++different;
        show(differing[i], *often, shrinks);
      }
    }
  }

  // Which of these still differ at that step, however long the pauses.
  static std::vector<bool> still_differ(uint64_t seed, int step, const std::vector<std::vector<int>>& candidates) {
    std::vector<PeerPlay> plays;
    for (const std::vector<int>& steps : candidates) {
      for (const int stretch : {kStretches[0], kStretches[1]})
        plays.push_back({.seed = seed, .stretch = stretch, .steps = steps});
    }
    const std::vector<Lines> left = play(Kernel::Linux, plays), right = play_beside(plays, left);
    std::vector<bool> differ;
    for (size_t i = 0; i < plays.size(); i += 2) {
      differ.push_back(difference_of(left[i], right[i]).step == step && difference_of(left[i + 1], right[i + 1]).step == step);
    }
    return differ;
  }

  // Ever smaller pieces are taken out, many at a time: what may go alone, then what may go together.
  static std::vector<int> shrink(uint64_t seed, int step) {
    std::vector<int> steps;
    for (int i = 0; i <= step; ++i) steps.push_back(i);
    const auto without = [](const std::vector<int>& all, const std::set<int>& gone) {
      std::vector<int> left;
      std::ranges::copy_if(all, std::back_inserter(left), [&](int one) { return !gone.contains(one); });
      return left;
    };
    for (size_t piece = std::max<size_t>(steps.size() / 4, 1);; piece /= 2) {
      std::vector<std::set<int>> pieces;
      std::vector<std::vector<int>> candidates;
      for (size_t at = 0; at + 1 < steps.size(); at += piece) {
        pieces.emplace_back(steps.begin() + static_cast<std::ptrdiff_t>(at),
                            steps.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, steps.size() - 1)));
        candidates.push_back(without(steps, pieces.back()));
      }
      const std::vector<bool> may_go = still_differ(seed, step, candidates);
      std::vector<std::set<int>> together;
      candidates.clear();
      for (size_t i = 0; i < pieces.size(); ++i) {
        if (!may_go[i]) continue;
        std::set<int> gone = together.empty() ? std::set<int>{} : together.back();
        gone.insert(pieces[i].begin(), pieces[i].end());
        candidates.push_back(without(steps, gone));
        together.push_back(std::move(gone));
      }
      const std::vector<bool> may_go_together = still_differ(seed, step, candidates);
      for (size_t i = candidates.size(); i-- > 0;) {
        if (!may_go_together[i]) continue;
        steps = candidates[i];
        break;
      }
      if (piece == 1) return steps;
    }
  }

  static void show(uint64_t seed, int step, bool shrinks) {
    const std::vector<int> steps = shrinks ? shrink(seed, step) : std::vector<int>{};
    // As it was, should the shrunk script not show it again.
    const std::vector<PeerPlay> plays{{.seed = seed, .stretch = 1000, .steps = steps}, {.seed = seed, .stretch = 1000}};
    const std::vector<Lines> on_linux = play(Kernel::Linux, plays), on_lxnet = play_beside(plays, on_linux);
    const size_t which = first_other(on_linux[0], on_lxnet[0]) < 0 ? 1 : 0;
    const Lines &left = on_linux[which], &right = on_lxnet[which];
    std::string both;
    for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      const std::string one = i < left.size() ? left[i] : "", other = i < right.size() ? right[i] : "";
      both += is_same(one, other) ? "      " + one + "\n" : "linux " + one + "\nlxnet " + other + "\n";
    }
    ADD_FAILURE() << "seed " << seed << ", step " << step << ": " << opening_of(seed) << "\n" << both;
  }
};

TEST(PeerWalkTest, SegmentsLeaveAsOnLinux) {
  if (geteuid() != 0 || access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "a peer needs root and /dev/net/tun";
  const bool is_asked_for = getenv("LXNET_PEER_SEEDS") != nullptr || getenv("LXNET_SEED") != nullptr;
  const uint64_t first = number_from("LXNET_SEED", is_asked_for ? static_cast<uint64_t>(time(nullptr)) * 1000 : kUsual[0]);
  const uint64_t count = number_from("LXNET_PEER_SEEDS", 1);
  PeerWalker walker;
  walker.shrinks = is_asked_for;
  if (!is_asked_for) walker.compare({std::begin(kUsual), std::end(kUsual)});
  for (uint64_t done = 0; is_asked_for && done < count; done += kSeedsAtOnce) {
    std::vector<uint64_t> seeds;
    for (uint64_t i = done; i < std::min(done + kSeedsAtOnce, count); ++i) seeds.push_back(first + i);
    walker.compare(seeds);
  }
  printf("LXNET_SEED=%llu: %llu seeds, %llu segments, %llu different, %llu unsteady, %llu late\n",
         static_cast<unsigned long long>(first), static_cast<unsigned long long>(walker.seeds),
         static_cast<unsigned long long>(walker.segments), static_cast<unsigned long long>(walker.different),
         static_cast<unsigned long long>(walker.unsteady), static_cast<unsigned long long>(walker.late));
  // Some follow from where a tick of Linux's fell; more is something that is not looked at.
  EXPECT_LE(walker.unsteady, walker.seeds / 20 + 3);
}

}  // namespace
}  // namespace differential
