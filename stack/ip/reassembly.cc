// Finding the datagram a fragment belongs to, and ending those that take too long.
#include "stack/ip/reassembly.hh"

#include "stack/drop_reason.hh"
#include "stack/icmp/icmp_state.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"
#include "stack/wire/icmp6.hh"
#include "stack/wire/ipv4.hh"

namespace lxnet {

namespace {

struct KeyBytes {
  Ipv6Address source, destination;
  uint32_t identification, interface_index, protocol_and_user;
};

DropReason reason_of(FragmentOutcome outcome) {
  switch (outcome) {
    case FragmentOutcome::Overlap:
      return DropReason::FragmentOverlap;
    case FragmentOutcome::TooManyRuns:
      return DropReason::FragmentLimit;
    default:
      return DropReason::FragmentBad;
  }
}

// Only the host that a datagram was for says that it never became whole: not one that passes it on, or watches it pass.
bool is_for_us(Entry& entry, const Packet& first) {
  const Ref<Interface> input = entry.stack().interfaces().find(first.interface_index);
  if (!input) return false;
  const auto& header = *reinterpret_cast<const Ipv4Header*>(first.network_header());
  const FlowKey key{.source = header.source,
                    .destination = header.destination,
                    .mark = first.mark,
                    .protocol = header.protocol,
                    .tos = header.type_of_service};
  auto route = entry.stack().routes().lookup_input(entry, key, *input);
  return route.is_ok() && route.take().kind == RouteKind::Local;
}

}  // namespace

Reassembly::Sweep::Sweep(Reassembly& of) : Timer(&Reassembly::sweep_expired), reassembly(of) {}

Reassembly::Reassembly(Stack& stack, IpFamily family)
    : stack_(stack),
      family_(family),
      key_(stack.hal().random<SipKey>()),
      mutex_(stack.hal(), LockRank::Fragments),
      sweep_(*this) {}

Reassembly::~Reassembly() {
  stack_.timers().cancel(sweep_);
  MutexLock lock(mutex_);
  while (!by_age_.is_empty()) remove(*by_age_.front());
}

Instant Reassembly::deadline(Instant now) const {
  const TunableValues& tunables = stack_.tunables().values();
  return now + Duration::seconds(family_ == IpFamily::V4 ? tunables.ipfrag_seconds : tunables.ip6frag_seconds);
}

size_t Reassembly::memory_limit() const {
  const TunableValues& tunables = stack_.tunables().values();
  const int32_t limit = family_ == IpFamily::V4 ? tunables.ipfrag_high_thresh : tunables.ip6frag_high_thresh;
  return limit < 0 ? 0 : static_cast<size_t>(limit);
}

size_t Reassembly::memory() const {
  MutexLock lock(mutex_);
  return memory_;
}

size_t Reassembly::queue_count() const {
  MutexLock lock(mutex_);
  return count_;
}

Reassembly::Whole Reassembly::add(Entry& entry, Ref<Packet> packet, const FragmentKey& key, const FragmentPiece& piece) {
  count(entry, mib(Mib::IpReasmReqds, Mib::Ip6ReasmReqds));
  packet->orphan();  // it may lie here long after its sender closed
  {
    MutexLock lock(mutex_);
    FragmentQueue* queue = find_or_create(entry, key);
    if (queue != nullptr) return insert(entry, *queue, packet, piece);
  }
  count(entry, mib(Mib::IpReasmFails, Mib::Ip6ReasmFails));
  drop(entry, std::move(packet), DropReason::FragmentLimit);
  return {};
}

FragmentQueue* Reassembly::find_or_create(Entry& entry, const FragmentKey& key) {
  const KeyBytes bytes{key.source.v6(), key.destination.v6(), key.identification, key.interface_index,
                       key.protocol | static_cast<uint32_t>(key.user) << 8};
  Bucket& bucket = buckets_[siphash_1_3(key_, bytes) % kBuckets];
  for (FragmentQueue& queue : bucket) {
    if (queue.key() == key) return &queue;
  }
  if (memory_ > memory_limit()) return nullptr;
  FragmentQueue* queue = construct<FragmentQueue>(stack_.hal(), key, deadline(entry.now()));
  if (queue == nullptr) return nullptr;
  bucket.push_front(*queue);
  by_age_.push_back(*queue);
  memory_ += queue->memory();
  ++count_;
  if (!sweep_.is_armed() || queue->deadline() < sweep_.deadline()) stack_.timers().arm(sweep_, queue->deadline());
  return queue;
}

// Linux's ip_frag_too_far: what lay here while its source sent more than max_dist others is not of the same datagram.
void Reassembly::check_distance(FragmentQueue& queue, Instant new_deadline) {
  const int32_t limit = stack_.tunables().values().ipfrag_max_dist;
  if (family_ != IpFamily::V4 || limit == 0) return;
  uint32_t& sent = source_counts_[siphash_1_3(key_, queue.key().source) % kSources];
  const uint32_t before = queue.source_count;
  queue.source_count = ++sent;
  if (queue.first() == nullptr || sent - before <= static_cast<uint32_t>(limit)) return;
  memory_ -= queue.memory();
  queue.restart(new_deadline);
  memory_ += queue.memory();
}

Reassembly::Whole Reassembly::insert(Entry& entry, FragmentQueue& queue, Ref<Packet>& packet, const FragmentPiece& piece) {
  check_distance(queue, deadline(entry.now()));
  const size_t memory_before = queue.memory();
  const FragmentOutcome outcome = queue.insert(packet, piece);
  memory_ += queue.memory() - memory_before;
  switch (outcome) {
    case FragmentOutcome::Held:
      return {};
    case FragmentOutcome::Complete:
      return finish(entry, queue);
    case FragmentOutcome::Duplicate:
      entry.stack().drops().count(DropReason::FragmentBad);
      return {};
    default:
      give_up(entry, queue, outcome);
      return {};
  }
}

Reassembly::Whole Reassembly::finish(Entry& entry, FragmentQueue& queue) {
  Whole whole{.payload_size = queue.payload_size(), .largest_fragment = queue.largest_fragment(), .has_df = queue.has_df()};
  if (!queue.merge_ecn(whole.ecn_bits)) {
    give_up(entry, queue, FragmentOutcome::Inconsistent);
    return {};
  }
  memory_ -= queue.memory();
  memory_ += sizeof(FragmentQueue);  // what remove() takes away once the packets are gone
  whole.packet = queue.join();
  queue.restart(queue.deadline());
  remove(queue);
  const bool is_done = whole.packet.get() != nullptr;
  count(entry, is_done ? mib(Mib::IpReasmOKs, Mib::Ip6ReasmOKs) : mib(Mib::IpReasmFails, Mib::Ip6ReasmFails));
  if (!is_done) entry.stack().drops().count(DropReason::NoMemory);
  return whole;
}

void Reassembly::give_up(Entry& entry, FragmentQueue& queue, FragmentOutcome why) {
  if (why == FragmentOutcome::Overlap && family_ == IpFamily::V4) count(entry, Mib::IpExtReasmOverlaps);
  count(entry, mib(Mib::IpReasmFails, Mib::Ip6ReasmFails));
  entry.stack().drops().count(reason_of(why));
  remove(queue);
}

void Reassembly::remove(FragmentQueue& queue) {
  memory_ -= queue.memory();
  --count_;
  queue.bucket_link.unlink();
  queue.age_link.unlink();
  dispose(stack_.hal(), &queue);
}

void Reassembly::arm_sweep() {
  Instant earliest = Instant::never();
  for (const FragmentQueue& queue : by_age_) {
    if (queue.deadline() < earliest) earliest = queue.deadline();
  }
  if (!earliest.is_never()) stack_.timers().arm(sweep_, earliest);
}

void Reassembly::sweep_expired(Entry& entry, Timer& timer) {
  if (timer.claim()) static_cast<Sweep&>(timer).reassembly.expire(entry);
}

// RFC 792 and RFC 8200: the sender is told if its first fragment came, which says whose the datagram was.
void Reassembly::expire(Entry& entry) {
  PacketQueue firsts;
  {
    MutexLock lock(mutex_);
    for (FragmentQueue* queue = by_age_.front(); queue != nullptr;) {
      FragmentQueue* next = by_age_.next(*queue);
      if (queue->deadline() <= entry.now()) {
        count(entry, mib(Mib::IpReasmFails, Mib::Ip6ReasmFails));
        count(entry, mib(Mib::IpReasmTimeout, Mib::Ip6ReasmTimeout));
        entry.stack().drops().count(DropReason::FragmentTimeout);
        if (queue->has_first()) {
          auto copy = queue->first()->clone();
          if (copy.is_ok()) firsts.push_back(copy.take());
        }
        remove(*queue);
      }
      queue = next;
    }
    arm_sweep();
  }
  while (!firsts.is_empty()) {
    const Ref<Packet> first = firsts.take_front();
    if (family_ == IpFamily::V4) {
      if (!is_for_us(entry, *first)) continue;
      icmp4_send_error(entry, *first, static_cast<uint8_t>(Icmp4Type::TimeExceeded),
                       static_cast<uint8_t>(Icmp4TimeExceeded::Reassembly), 0);
    } else {
      icmp6_send_error(entry, *first, static_cast<uint8_t>(Icmp6Type::TimeExceeded),
                       static_cast<uint8_t>(Icmp6TimeExceeded::Reassembly), 0);
    }
  }
}

}  // namespace lxnet
