// What expressions compute with: sixteen words, and a verdict that lies before them.
//
// A register holds bytes as they came, padded with zeros to a word. Linux's struct nft_regs, nft_data and nft_verdict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lxnet {

struct NftChain;

// NF_* and NFT_*: what becomes of a packet, or of the rule it is in.
enum NftCode : int32_t {
  kNftDrop = 0,
  kNftAccept = 1,
  kNftContinue = -1,  // with the next expression
  kNftBreak = -2,     // with the next rule
  kNftJump = -3,
  kNftGoto = -4,
  kNftReturn = -5,
};

struct NftVerdict {
  int32_t code;
  NftChain* chain;  // of kNftJump and kNftGoto
};
static_assert(sizeof(NftVerdict) == 16);

inline constexpr size_t kNftDataWords = 16, kNftDataSize = kNftDataWords * 4;
inline constexpr uint8_t kNftVerdictRegister = 0, kNftFirstRegister = 4, kNftRegisterWords = 20;

// The value of a register, or a verdict.
union NftData {
  uint32_t words[kNftDataWords];
  NftVerdict verdict;
};

struct NftRegisters {
  union {
    uint32_t words[kNftRegisterWords] = {};
    NftVerdict verdict;
  };

  void break_rule() { verdict.code = kNftBreak; }
  void set8(uint8_t at, uint8_t value) {
    words[at] = 0;
    memcpy(&words[at], &value, sizeof value);
  }
  void set16(uint8_t at, uint16_t value) {
    words[at] = 0;
    memcpy(&words[at], &value, sizeof value);
  }
  void set32(uint8_t at, uint32_t value) { words[at] = value; }
  void set64(uint8_t at, uint64_t value) { memcpy(&words[at], &value, sizeof value); }
  uint8_t get8(uint8_t at) const { return bytes(at)[0]; }
  uint16_t get16(uint8_t at) const {
    uint16_t value = 0;
    memcpy(&value, &words[at], sizeof value);
    return value;
  }
  uint8_t* bytes(uint8_t at) { return reinterpret_cast<uint8_t*>(&words[at]); }
  const uint8_t* bytes(uint8_t at) const { return reinterpret_cast<const uint8_t*>(&words[at]); }
  // The last word of a value of that many bytes, whose end nobody will write.
  void pad(uint8_t at, size_t size) {
    if (size % 4 != 0) words[at + size / 4] = 0;
  }
  // A text of sixteen bytes, padded.
  void set_name(uint8_t at, const char* name) {
    constexpr size_t kSize = 16;
    memset(bytes(at), 0, kSize);
    for (size_t i = 0; i + 1 < kSize && name[i] != 0; ++i) bytes(at)[i] = static_cast<uint8_t>(name[i]);
  }
};

}  // namespace lxnet
