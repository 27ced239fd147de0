// lxnet_enable_afalg_x86(): the rows that this processor can run, beside the portable ones.
#include "compat/afalg/algorithm_registry.hh"
#include "compat/afalg/x86/rows.hh"
#include "hal/lxnet.h"

namespace lxnet::x86 {
namespace {

Result<> add_rows(AlgorithmRegistry& registry, std::span<const AcceleratedRow> rows, const CpuFeatures& features) {
  for (const AcceleratedRow& row : rows) {
    if (features.*row.needs) TRY(registry.add({&row.row, 1}));
  }
  return ok();
}

Result<> enable(Stack& stack) {
  AlgorithmRegistry* registry = AlgorithmRegistry::find(stack);
  if (registry == nullptr) return Errno::ENOENT;
  const CpuFeatures features = find_cpu_features();
  TRY(add_rows(*registry, aes_rows(), features));
  TRY(add_rows(*registry, hash_rows(), features));
  return add_rows(*registry, chacha_rows(), features);
}

}  // namespace
}  // namespace lxnet::x86

extern "C" int lxnet_enable_afalg_x86(lxnet_stack* stack) {
  const auto enabled = lxnet::x86::enable(*reinterpret_cast<lxnet::Stack*>(stack));
  return enabled.is_ok() ? 0 : -static_cast<int>(enabled.error());
}
