#include "fuzz/support/wire.hh"
#include "stack/wire/ndp.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

template <typename Message>
void check_message(ByteSpan bytes) {
  auto parsed = Message::parse(bytes);
  if (!parsed.is_ok()) return;
  Message message = parsed.take();
  touch(message.options.redirected_packet);
  std::vector<NdpPrefix> prefixes;
  NdpPrefixReader reader = message.options.prefixes();
  while (auto prefix = reader.next()) prefixes.push_back(*prefix);
  check(prefixes.size() * 32 <= bytes.size());
  message.options.sending_prefixes = prefixes;

  const std::vector<uint8_t> written = emitted(message);
  auto parsed_again = Message::parse(written);
  check(parsed_again.is_ok());
  Message again = parsed_again.take();
  NdpPrefixReader second = again.options.prefixes();
  for (const NdpPrefix& prefix : prefixes) check(second.next() == prefix);
  check(second.next() == std::nullopt);
  again.options.sending_prefixes = prefixes;
  check(emitted(again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan message(data, size);
  check_message<RouterSolicitation>(message);
  check_message<RouterAdvertisement>(message);
  check_message<NeighborSolicitation>(message);
  check_message<NeighborAdvertisement>(message);
  check_message<NdpRedirect>(message);
  return 0;
}
