// The rows that this processor can run, and contexts and states for them.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/hosted_errno.hh"
#include "compat/afalg/x86/rows.hh"

namespace lxnet::x86 {

using Bytes = std::vector<uint8_t>;

inline std::vector<const Algorithm*> rows_of(AlgorithmKind kind) {
  const CpuFeatures features = find_cpu_features();
  std::vector<const Algorithm*> found;
  for (const auto rows : {aes_rows(), hash_rows(), chacha_rows()}) {
    for (const AcceleratedRow& row : rows) {
      if (row.row->kind == kind && features.*row.needs) found.push_back(row.row);
    }
  }
  return found;
}

inline std::vector<const Algorithm*> rows_named(const std::string& name, AlgorithmKind kind) {
  std::vector<const Algorithm*> rows = rows_of(kind);
  std::erase_if(rows, [&](const Algorithm* row) { return row->name != name; });
  return rows;
}

// Zeroed and aligned, as the contract has it.
inline std::shared_ptr<void> memory_of(size_t size) {
  const size_t rounded = (size + kAlgorithmAlign) / kAlgorithmAlign * kAlgorithmAlign;
  void* block = std::aligned_alloc(kAlgorithmAlign, rounded);
  std::memset(block, 0, rounded);
  return std::shared_ptr<void>(block, std::free);
}

// A buffer whose bytes begin one past an aligned address, with nothing behind them that may be touched.
class Unaligned {
 public:
  explicit Unaligned(const Bytes& bytes) : memory_(new uint8_t[bytes.size() + 1]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), data());
  }
  uint8_t* data() { return memory_.get() + 1; }
  Bytes bytes() { return Bytes(data(), data() + size_); }

 private:
  std::unique_ptr<uint8_t[]> memory_;
  size_t size_;
};

}  // namespace lxnet::x86
