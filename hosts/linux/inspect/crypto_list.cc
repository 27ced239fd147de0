// crypto/proc.c, and what each type has it print. An implementation belongs to no module and is held by nobody but the list.
#include "hosts/linux/inspect/crypto_list.hh"

#include <string_view>

#include "absl/strings/str_cat.h"
// The core's headers remove errno's macros.
#include "compat/syscalls/algorithm_report.hh"
#include "compat/syscalls/compat_state.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

class CryptoText {
 public:
  void add(const AlgorithmReport& report) {
    line("name", report.name);
    line("driver", report.driver);
    line("module", "kernel");
    line("priority", report.priority);
    line("refcnt", report.references);
    line("selftest", report.is_tested ? "passed" : "unknown");
    line("internal", "no");
    line("type", report.type);
    add_type(report);
    text_ += "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  template <typename Value>
  void line(std::string name, Value value) {
    name.resize(13, ' ');
    absl::StrAppend(&text_, name, ": ", value, "\n");
  }

  void key_sizes(const AlgorithmReport& report) {
    line("min keysize", report.min_key_size);
    line("max keysize", report.max_key_size);
  }

  void add_type(const AlgorithmReport& report) {
    const std::string_view type = report.type;
    if (type == "rng") return line("seedsize", report.digest_size);
    if (type == "aead" || type == "skcipher") line("async", "no");
    line("blocksize", report.block_size);
    if (type == "shash") line("digestsize", report.digest_size);
    if (type == "cipher") key_sizes(report);
    if (type == "aead") {
      line("ivsize", report.iv_size);
      line("maxauthsize", report.digest_size);
      line("geniv", "<none>");
    }
    if (type == "skcipher") {
      key_sizes(report);
      line("ivsize", report.iv_size);
      line("chunksize", report.chunk_size);
      line("walksize", report.chunk_size);
      line("statesize", 0);
    }
  }

  std::string text_;
};

}  // namespace

std::string crypto_text(lxnet_stack* stack) {
  Stack& core = *reinterpret_cast<Stack*>(stack);
  CompatState& state = CompatState::of(core);
  CryptoText text;
  if (state.report_algorithms == nullptr) return "";
  Entry entry(core);
  const auto add = [](void* to, const AlgorithmReport& report) { static_cast<CryptoText*>(to)->add(report); };
  state.report_algorithms(state.algorithm_registry, entry, add, &text);
  return text.take();
}

}  // namespace lxnet::host
