// Random walks over sets and sockets beside a model of a page: the same entries, in the same order, with the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <vector>

#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

constexpr uint32_t kReadable = EPOLLIN | EPOLLRDNORM;
constexpr uint32_t kWritable = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
constexpr uint32_t kFlags = EPOLLET | EPOLLONESHOT;

// One end of a local stream: what has come, and whether more may.
struct ModelSocket {
  int unread = 0;
  bool has_ended = false;  // the peer writes no more
  bool is_alone = false;   // the peer is closed

  uint32_t bits() const {
    uint32_t bits = kWritable;
    if (unread != 0 || has_ended || is_alone) bits |= kReadable;
    if (has_ended || is_alone) bits |= EPOLLRDHUP;
    if (is_alone) bits |= EPOLLHUP;
    return bits;
  }
};

struct Told {
  uint32_t events;
  uint64_t data;
  bool operator==(const Told&) const = default;
  friend void PrintTo(const Told& told, std::ostream* out) { *out << std::hex << told.events << ":" << told.data; }
};

class ModelSet {
 public:
  explicit ModelSet(const std::vector<ModelSocket>& sockets) : sockets_(sockets) {}

  long control(int operation, size_t socket, uint32_t events, uint64_t data) {
    const auto found = entries_.find(socket);
    if (operation == EPOLL_CTL_ADD ? found != entries_.end() : found == entries_.end()) {
      return operation == EPOLL_CTL_ADD ? -EEXIST : -ENOENT;
    }
    if (operation == EPOLL_CTL_DEL) {
      forget(socket);
      return 0;
    }
    entries_[socket] = {events | EPOLLERR | EPOLLHUP, data};
    if (bits_of(socket) != 0) queue(socket);
    return 0;
  }
  void forget(size_t socket) {
    entries_.erase(socket);
    ready_.remove(socket);
  }
  // A wake-up with these keys; all of them when the state changed.
  void wake(size_t socket, uint32_t keys) {
    const auto found = entries_.find(socket);
    if (found == entries_.end() || (found->second.events & ~kFlags) == 0) return;
    if ((found->second.events & keys) != 0) queue(socket);
  }
  std::vector<Told> wait(size_t most) {
    std::vector<Told> told;
    std::list<size_t> taken;
    taken.swap(ready_);
    while (!taken.empty() && told.size() < most) {
      const size_t socket = taken.front();
      taken.pop_front();
      const uint32_t bits = bits_of(socket);
      if (bits == 0) continue;
      Entry& entry = entries_[socket];
      told.push_back({bits, entry.data});
      if ((entry.events & EPOLLONESHOT) != 0) {
        entry.events &= kFlags;
      } else if ((entry.events & EPOLLET) == 0) {
        ready_.push_back(socket);
      }
    }
    ready_.splice(ready_.begin(), taken);
    return told;
  }
  // Whoever polls the set throws out what is not ready, up to the first that is.
  bool is_ready() {
    while (!ready_.empty() && bits_of(ready_.front()) == 0) ready_.pop_front();
    return !ready_.empty();
  }

 private:
  struct Entry {
    uint32_t events;
    uint64_t data;
  };
  uint32_t bits_of(size_t socket) { return sockets_[socket].bits() & entries_[socket].events; }
  void queue(size_t socket) {
    if (std::find(ready_.begin(), ready_.end(), socket) == ready_.end()) ready_.push_back(socket);
  }

  const std::vector<ModelSocket>& sockets_;
  std::map<size_t, Entry> entries_;
  std::list<size_t> ready_;
};

class Walk {
 public:
  explicit Walk(uint64_t seed) : random_(seed) {
    for (LocalPair& pair : pairs_) pair = LocalPair();
  }

  void step() {
    const size_t socket = pick(kSockets), which = pick(2);
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
        return control(EPOLL_CTL_ADD, which, socket);
      case 3:
      case 4:
        return control(EPOLL_CTL_MOD, which, socket);
      case 5:
        return control(EPOLL_CTL_DEL, which, socket);
      case 6:
      case 7:
      case 8:
        return send(socket);
      case 9:
      case 10:
        return receive(socket);
      case 11:
        return pick(4) == 0 ? end(socket) : send(socket);
      case 12:
        return pick(4) == 0 ? renew(socket) : receive(socket);
      case 13:
        EXPECT_EQ(poll_now(sets_[which], POLLIN) == POLLIN, models_[which].is_ready());
        return;
      default:
        return wait(which, 1 + pick(4));
    }
  }

 private:
  static constexpr size_t kSockets = 7;

  size_t pick(size_t count) { return random_() % count; }

  void control(int operation, size_t which, size_t socket) {
    constexpr uint32_t kInterests[] = {0, EPOLLIN, EPOLLIN | EPOLLRDHUP, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLRDNORM, EPOLLPRI};
    constexpr uint32_t kTriggers[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
    const uint32_t events = kInterests[pick(std::size(kInterests))] | kTriggers[pick(std::size(kTriggers))];
    const uint64_t data = random_();
    EXPECT_EQ(sets_[which].control(operation, pairs_[socket].b, events, data),
              models_[which].control(operation, socket, events, data));
  }
  void wake(size_t socket, uint32_t keys) {
    for (ModelSet& model : models_) model.wake(socket, keys);
  }
  void send(size_t socket) {
    ModelSocket& model = model_sockets_[socket];
    if (model.has_ended || model.is_alone || model.unread > 50) return;
    pairs_[socket].send();
    ++model.unread;
    wake(socket, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
  }
  void receive(size_t socket) {
    if (model_sockets_[socket].unread == 0) return;
    pairs_[socket].receive();
    --model_sockets_[socket].unread;
  }
  void end(size_t socket) {
    ModelSocket& model = model_sockets_[socket];
    if (model.is_alone) return;
    if (model.has_ended) {
      pairs_[socket].a.reset();
      model.is_alone = true;
    } else {
      ::shutdown(pairs_[socket].a, SHUT_WR);
      model.has_ended = true;
    }
    wake(socket, ~0u);
  }
  // The watched end is closed, and a new pair comes in its place.
  void renew(size_t socket) {
    for (ModelSet& model : models_) model.forget(socket);
    pairs_[socket].b.reset();
    pairs_[socket] = LocalPair();
    model_sockets_[socket] = {};
  }
  void wait(size_t which, size_t most) {
    epoll_event events[8];
    const int count = ::epoll_wait(sets_[which], events, static_cast<int>(most), 0);
    std::vector<Told> told;
    for (int i = 0; i < count; ++i) told.push_back({events[i].events, events[i].data.u64});
    EXPECT_EQ(told, models_[which].wait(most));
  }

  std::mt19937_64 random_;
  LocalPair pairs_[kSockets];
  Set sets_[2];
  std::vector<ModelSocket> model_sockets_ = std::vector<ModelSocket>(kSockets);
  ModelSet models_[2] = {ModelSet(model_sockets_), ModelSet(model_sockets_)};
};

TEST(ModelTest, AWalkTellsWhatTheModelTells) {
  const char* chosen = std::getenv("LXNET_SEED");
  const uint64_t first = chosen == nullptr ? 1 : std::strtoull(chosen, nullptr, 10);
  const uint64_t last = chosen == nullptr ? 20 : first;
  for (uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("LXNET_SEED=" + std::to_string(seed));
    Walk walk(seed);
    for (int i = 0; i < 1500 && !testing::Test::HasFailure(); ++i) walk.step();
  }
}

}  // namespace
}  // namespace conformance
