// crc32 (IEEE 802.3) and crc32c (Castagnoli, RFC 3385) as Linux's hashes: reflected, the key being the start. crc32 starts at
// zero and is not inverted at the end; crc32c starts at all ones and is. Digests are little-endian.
#include "compat/afalg/primitives.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

struct Table {
  uint32_t entries[256];
};

constexpr Table make_table(uint32_t polynomial) {
  Table table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
    table.entries[byte] = value;
  }
  return table;
}

constexpr Table kIeee = make_table(0xedb88320), kCastagnoli = make_table(0x82f63b78);

// `kUnkeyed`: the start without a key, and what the end is inverted with. A context keeps the difference from it, so that one of
// zeros, which no key was set in, is right.
template <const Table& kTable, uint32_t kUnkeyed>
struct Checksum {
  static Result<> set_key(const Algorithm&, void* context, ByteSpan key) {
    if (key.size() != 4) return Errno::EINVAL;
    *static_cast<uint32_t*>(context) = load_little<uint32_t>(key.data()) ^ kUnkeyed;
    return ok();
  }
  static void start(const Algorithm&, const void* context, void* state) {
    *static_cast<uint32_t*>(state) = *static_cast<const uint32_t*>(context) ^ kUnkeyed;
  }
  static void update(const Algorithm&, const void*, void* state, ByteSpan bytes) {
    uint32_t value = *static_cast<uint32_t*>(state);
    for (const uint8_t byte : bytes) value = value >> 8 ^ kTable.entries[(value ^ byte) & 0xff];
    *static_cast<uint32_t*>(state) = value;
  }
  static void finish(const Algorithm&, const void*, void* state, uint8_t* digest) {
    store_little(digest, *static_cast<uint32_t*>(state) ^ kUnkeyed);
  }
  static constexpr HashOperations kOperations{.set_key = &set_key, .start = &start, .update = &update, .finish = &finish};

  static constexpr Algorithm row(const char* name, const char* driver) {
    return {.name = name,
            .driver = driver,
            .kind = AlgorithmKind::Hash,
            .priority = 100,
            .block_size = 1,
            .digest_size = 4,
            .key_is_optional = true,
            .context_size = 4,
            .state_size = 4,
            .hash = &kOperations};
  }
};

constexpr Algorithm kCrc32 = Checksum<kIeee, 0>::row("crc32", "crc32-generic");
constexpr Algorithm kCrc32c = Checksum<kCastagnoli, 0xffffffff>::row("crc32c", "crc32c-generic");
constexpr const Algorithm* kRows[] = {&kCrc32, &kCrc32c};

}  // namespace

std::span<const Algorithm* const> checksum_hashes() { return kRows; }

}  // namespace lxnet
