// lxnet_enable_afalg(): the family and the portable implementations.
#include "compat/afalg/alg_socket.hh"
#include "compat/afalg/algorithm_registry.hh"
#include "compat/afalg/primitives.hh"
#include "compat/syscalls/algorithm_report.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

Result<> add_portable(AlgorithmRegistry& registry) {
  TRY(registry.add(checksum_hashes()));
  TRY(registry.add(mbedtls_hashes()));
  TRY(registry.add(sha3_hashes()));
  TRY(registry.add(blake2_hashes()));
  TRY(registry.add(ghash_hashes()));
  TRY(registry.add(mbedtls_ciphers()));
  TRY(registry.add(chacha_ciphers()));
  return registry.add(random_generators());
}

const char* type_of(const Algorithm& row) {
  switch (row.kind) {
    case AlgorithmKind::Hash:
      return "shash";
    case AlgorithmKind::Cipher:
      return "cipher";
    case AlgorithmKind::Skcipher:
      return "skcipher";
    case AlgorithmKind::Aead:
      return "aead";
    case AlgorithmKind::Rng:
      break;
  }
  return "rng";
}

struct Listener {
  CompatState::VisitAlgorithm visit;
  void* context;
};

void report_algorithms(void* registry, Entry& entry, CompatState::VisitAlgorithm visit, void* context) {
  Listener listener{visit, context};
  const auto tell = [](void* raw, const ListedAlgorithm& row) {
    const auto& to = *static_cast<Listener*>(raw);
    to.visit(to.context,
             AlgorithmReport{.name = row.name,
                             .driver = row.driver,
                             .type = type_of(row),
                             .priority = static_cast<uint32_t>(row.priority),
                             .flags = row.flags(),
                             .references = row.references(),
                             .block_size = row.block_size,
                             .chunk_size = row.chunk(),
                             .iv_size = row.iv_size,
                             .min_key_size = row.min_key_size,
                             .max_key_size = row.max_key_size,
                             .digest_size = row.digest_size,
                             .is_tested = row.self_test == SelfTest::Passed || row.self_test == SelfTest::NoAnswerKnown});
  };
  static_cast<AlgorithmRegistry*>(registry)->visit_all(entry, tell, &listener);
}

Result<> change_algorithms(void* registry, Entry& entry, const AlgorithmChange& change) {
  return static_cast<AlgorithmRegistry*>(registry)->change(entry, change);
}

Result<> fill(CompatState& state, AlgorithmRegistry& registry) {
  TRY(add_portable(registry));
  return state.add_family({.number = kFamilyAlg, .create = &AlgSocket::create, .create_pair = nullptr});
}

Result<> enable(Stack& stack) {
  CompatState& state = CompatState::of(stack);
  if (state.algorithm_registry != nullptr) return Errno::EEXIST;
  AlgorithmRegistry* registry = construct<AlgorithmRegistry>(stack.hal(), stack.hal());
  if (registry == nullptr) return Errno::ENOMEM;
  const auto filled = fill(state, *registry);
  if (!filled.is_ok()) {
    dispose(stack.hal(), registry);
    return filled.error();
  }
  state.algorithm_registry = registry;
  state.report_algorithms = &report_algorithms;
  state.change_algorithms = &change_algorithms;
  state.destroy_algorithm_registry = [](const Hal& hal, void* object) { dispose(hal, static_cast<AlgorithmRegistry*>(object)); };
  return ok();
}

}  // namespace
}  // namespace lxnet

extern "C" int lxnet_enable_afalg(lxnet_stack* c_stack) {
  const auto enabled = lxnet::enable(*reinterpret_cast<lxnet::Stack*>(c_stack));
  return enabled.is_ok() ? 0 : -static_cast<int>(enabled.error());
}
