#include <algorithm>

#include "fuzz/support/wire.hh"
#include "stack/wire/ipv4_options.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

const Ipv4Address kOwn(10, 0, 0, 1), kPeer(10, 0, 0, 2);

// What a router or a host does with options, in an order the input chooses.
void use(Ipv4Options options, uint8_t choices) {
  if (options.prespecified_address() && (choices & 1) != 0) options.skip_timestamp();
  options.record(kOwn, 1);
  options.record_departure(kPeer);
  for (uint8_t skipped = 0; skipped < 12; ++skipped) {
    auto hop = options.next_hop(skipped);
    if (!hop.is_ok()) break;
    const std::optional<Ipv4Address> next = hop.take();
    if (!next) break;
    if ((choices & 2) != 0) options.advance_source_route(*next, kOwn);
  }
  if ((choices & 4) != 0) options.keep_for_fragments();
  check(options.size() % 4 == 0 && options.size() <= Ipv4Options::kMaxSize);
  touch(options.bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t choices = data[0];
  const ByteSpan bytes = ByteSpan(data, size).subspan(1);
  if (bytes.size() <= Ipv4Options::kMaxSize && bytes.size() % 4 == 0) {
    uint8_t bad_position = 0;
    auto received = Ipv4Options::from_packet(bytes, bad_position);
    if (received.is_ok()) {
      Ipv4Options options = received.take();
      auto reply = options.make_reply(kPeer);
      if (reply.is_ok()) {
        Ipv4Options answer = reply.take();
        use(answer, choices);
        answer.finish_source_route(kPeer);
        // What is sent back is itself well formed; its pointers may stand one entry past the room.
        check(answer.size() <= options.size());
      }
      use(options, choices);
      // What was written back reads as recorded, and reading it reserves nothing more.
      options.record(kOwn, 1);
      Ipv4Options recorded = Ipv4Options::from_recorded(options.bytes()).take();
      check(std::ranges::equal(recorded.bytes(), options.bytes()));
      check(recorded.needs_recording() || !options.needs_recording());
      use(recorded, choices);
    } else {
      check(bad_position >= 20 && bad_position < 20 + bytes.size());
    }
  }
  if (bytes.size() <= Ipv4Options::kMaxSize && bytes.size() % 4 == 0) {
    auto recorded = Ipv4Options::from_recorded(bytes);
    if (recorded.is_ok()) {
      Ipv4Options options = recorded.take();
      auto reply = options.make_reply(kPeer);
      if (reply.is_ok()) use(reply.take(), choices);
      use(options, choices);
    }
  }
  auto set = Ipv4Options::from_user(bytes, choices & 8 ? Ipv4OptionsPrivilege::RawNetwork : Ipv4OptionsPrivilege::Ordinary);
  if (!set.is_ok()) return 0;
  Ipv4Options options = set.take();
  const Ipv4Options original = options.as_set_by_user();
  touch(original.bytes());
  auto again = Ipv4Options::from_user(original.bytes(), Ipv4OptionsPrivilege::RawNetwork);
  check(again.is_ok());
  use(options, choices);
  options.finish_source_route(kPeer);
  return 0;
}
