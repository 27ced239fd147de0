// crypto/crypto_user.c: CRYPTO_MSG_GETALG, for one algorithm or for all.
#include "compat/afnetlink/crypto_user.hh"

#include "compat/syscalls/algorithm_report.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

constexpr uint16_t kGetAlgorithm = 0x13, kFirstUnknown = 0x16;
constexpr size_t kName = 64;
enum : uint16_t { kPriority = 1, kReportHash = 3, kReportBlockCipher = 4, kReportAead = 5, kReportRng = 7, kReportCipher = 8 };

// struct crypto_user_alg.
struct UserAlgorithm {
  char name[kName], driver[kName], module[kName];
  uint32_t type, mask, references, flags;
};

bool is_same(const char* one, const char* other) {
  size_t i = 0;
  while (one[i] != '\0' && one[i] == other[i]) ++i;
  return one[i] == other[i];
}

void copy_name(char (&to)[kName], const char* from) {
  size_t i = 0;
  for (; i + 1 < kName && from[i] != '\0'; ++i) to[i] = from[i];
  memset(to + i, 0, kName - i);
}

// struct crypto_report_hash, _blkcipher, _aead, _rng, _cipher: names, then numbers.
template <size_t kNames, size_t kNumbers>
struct Details {
  char names[kNames][kName];
  uint32_t numbers[kNumbers];
};

class CryptoReport {
 public:
  CryptoReport(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output, const UserAlgorithm& asked)
      : writer_(context.hal(), output, request), is_dump_(request.is_dump()), asked_(asked) {}

  static void visit(void* self, const AlgorithmReport& report) { static_cast<CryptoReport*>(self)->add(report); }
  Result<> finish() {
    if (error_ != Errno{}) return error_;
    if (is_dump_) return writer_.finish_dump();
    if (!is_found_) return Errno::ENOENT;
    return writer_.flush();
  }

 private:
  // By the driver's name if there is one; else the first of the name.
  bool is_asked_for(const AlgorithmReport& report) const {
    if (is_dump_) return true;
    if (is_found_) return false;
    return asked_.driver[0] != '\0' ? is_same(asked_.driver, report.driver) : is_same(asked_.name, report.name);
  }

  void add(const AlgorithmReport& report) {
    if (error_ != Errno{} || !is_asked_for(report)) return;
    is_found_ = true;
    auto written = write(report);
    if (!written.is_ok()) error_ = written.error();
  }

  Result<> write(const AlgorithmReport& report) {
    UserAlgorithm head{};
    copy_name(head.name, report.name);
    copy_name(head.driver, report.driver);
    copy_name(head.module, "kernel");
    head.references = 1;
    TRY(writer_.begin(kGetAlgorithm, is_dump_ ? uint16_t{kNetlinkMulti} : uint16_t{0}, bytes_of(head)));
    TRY(writer_.attribute(kPriority, report.priority));
    TRY(write_details(report));
    return writer_.end();
  }

  Result<> write_details(const AlgorithmReport& report) {
    if (is_same(report.type, "shash")) {
      Details<1, 2> hash{{}, {report.block_size, report.digest_size}};
      copy_name(hash.names[0], report.type);
      return writer_.attribute(kReportHash, hash);
    }
    if (is_same(report.type, "skcipher")) {
      Details<2, 4> cipher{{}, {report.block_size, report.min_key_size, report.max_key_size, report.iv_size}};
      copy_name(cipher.names[0], report.type);
      copy_name(cipher.names[1], "<none>");
      return writer_.attribute(kReportBlockCipher, cipher);
    }
    if (is_same(report.type, "aead")) {
      Details<2, 3> aead{{}, {report.block_size, report.digest_size, report.iv_size}};
      copy_name(aead.names[0], report.type);
      copy_name(aead.names[1], "<none>");
      return writer_.attribute(kReportAead, aead);
    }
    if (is_same(report.type, "rng")) {
      Details<1, 1> rng{{}, {report.digest_size}};
      copy_name(rng.names[0], report.type);
      return writer_.attribute(kReportRng, rng);
    }
    Details<1, 3> cipher{{}, {report.block_size, report.min_key_size, report.max_key_size}};
    copy_name(cipher.names[0], report.type);
    return writer_.attribute(kReportCipher, cipher);
  }

  NetlinkWriter writer_;
  bool is_dump_;
  const UserAlgorithm& asked_;
  bool is_found_ = false;
  Errno error_{};
};

}  // namespace

Result<> handle_crypto_user(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  if (request.header.type >= kFirstUnknown) return Errno::EINVAL;
  if (request.header.type != kGetAlgorithm) return Errno::EOPNOTSUPP;
  UserAlgorithm asked{};
  if (!request.is_dump()) {
    if (request.payload.size() < sizeof asked) return Errno::EINVAL;
    copy_bytes(mutable_bytes_of(asked), request.payload);
    if (asked.name[kName - 1] != '\0' || asked.driver[kName - 1] != '\0') return Errno::EINVAL;
  }
  CompatState& state = CompatState::of(context.stack());
  CryptoReport report(context, request, output, asked);
  if (state.report_algorithms != nullptr) {
    state.report_algorithms(state.algorithm_registry, context.entry(), &CryptoReport::visit, &report);
  }
  return report.finish();
}

}  // namespace lxnet
