#include "fuzz/support/wire.hh"
#include "stack/wire/tcp_options.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const TcpFlags flags(static_cast<uint16_t>(data[0] << 8 | data[1]));
  const ByteSpan bytes = ByteSpan(data, size).subspan(2);
  const TcpOptions options = TcpOptions::parse(bytes, flags);
  check(options.sack_count <= TcpOptions::kMaxSackBlocks);
  check(!options.window_scale || *options.window_scale <= TcpOptions::kMaxWindowScale);
  check(!options.maximum_segment_size || *options.maximum_segment_size != 0);
  check(options.md5_signature.empty() || options.md5_signature.size() == TcpOptions::kMd5Size);
  check(flags.syn() || (!options.maximum_segment_size && !options.window_scale && !options.sack_permitted && !options.fast_open));
  touch(options.md5_signature);
  if (options.authentication) touch(options.authentication->mac);
  if (auto signatures = parse_tcp_signatures(bytes); signatures.is_ok()) touch(signatures.take().md5);

  // The fast path says nothing that the slow one does not say.
  if (auto aligned = parse_aligned_timestamps(bytes)) check(aligned == options.timestamps);

  check(options.encoded_size() % 4 == 0);
  const auto parse = [flags](ByteSpan again) { return Result<TcpOptions>(TcpOptions::parse(again, flags)); };
  check_round_trip(parse, options);
  return 0;
}
