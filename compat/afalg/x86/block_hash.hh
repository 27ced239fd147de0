// What the SHAs have in common: a message of any pieces cut into blocks, and the padding at its end (FIPS 180-4, 5.1).
#pragma once

#include <cstring>

#include "base/bytes.hh"
#include "compat/afalg/algorithm.hh"

namespace lxnet::x86 {

// `kCompress` takes whole blocks of `kBlock` bytes.
template <typename Word, size_t kWords, size_t kBlock, void (*kCompress)(Word (&)[kWords], const uint8_t*, size_t)>
struct BlockHash {
  struct State {
    Word words[kWords];
    uint64_t size;  // of the message so far
    uint8_t pending[kBlock];
  };
  using Start = Word[kWords];

  template <const Start& kStart>
  static void start(const Algorithm&, const void*, void* raw) {
    auto& state = *static_cast<State*>(raw);
    memcpy(state.words, kStart, sizeof state.words);
    state.size = 0;
  }

  static void update(const Algorithm&, const void*, void* raw, ByteSpan bytes) {
    auto& state = *static_cast<State*>(raw);
    const size_t pending = state.size % kBlock;
    state.size += bytes.size();
    if (pending != 0) {
      const size_t taken = copy_bytes(MutableByteSpan(state.pending).subspan(pending), bytes);
      bytes = bytes.subspan(taken);
      if (pending + taken < kBlock) return;
      kCompress(state.words, state.pending, 1);
    }
    if (bytes.size() >= kBlock) kCompress(state.words, bytes.data(), bytes.size() / kBlock);
    copy_bytes(state.pending, bytes.subspan(bytes.size() / kBlock * kBlock));
  }

  static void finish(const Algorithm& self, const void*, void* raw, uint8_t* digest) {
    auto& state = *static_cast<State*>(raw);
    constexpr size_t kLength = 2 * sizeof(Word);  // of the message, in bits
    size_t pending = state.size % kBlock;
    state.pending[pending++] = 0x80;
    if (pending > kBlock - kLength) {
      memset(state.pending + pending, 0, kBlock - pending);
      kCompress(state.words, state.pending, 1);
      pending = 0;
    }
    memset(state.pending + pending, 0, kBlock - pending);
    store_big(state.pending + kBlock - 8, state.size << 3, 8);
    if constexpr (kLength == 16) state.pending[kBlock - 9] = static_cast<uint8_t>(state.size >> 61);
    kCompress(state.words, state.pending, 1);
    for (size_t at = 0; at < self.digest_size; at += sizeof(Word))
      store_big(digest + at, state.words[at / sizeof(Word)], sizeof(Word));
  }

  template <const Start& kStart>
  static constexpr HashOperations operations{.start = &start<kStart>, .update = &update, .finish = &finish};

  static constexpr Algorithm row(const char* name, const char* driver, int priority, uint32_t digest,
                                 const HashOperations& hash) {
    return {.name = name,
            .driver = driver,
            .kind = AlgorithmKind::Hash,
            .priority = priority,
            .block_size = kBlock,
            .digest_size = digest,
            .state_size = sizeof(State),
            .hash = &hash};
  }

 private:
  static void store_big(uint8_t* to, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
  }
};

}  // namespace lxnet::x86
