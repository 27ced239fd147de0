// crypto/crypto_user.c: what there is, and an administrator's wishes.
#include "compat/afnetlink/crypto_user.hh"

#include "compat/syscalls/algorithm_report.hh"
#include "compat/syscalls/compat_state.hh"
#include "hal/hal.hh"

namespace lxnet {
namespace {

enum : uint16_t {  // CRYPTO_MSG_*
  kNewAlgorithm = 0x10,
  kDeleteAlgorithm,
  kUpdateAlgorithm,
  kGetAlgorithm,
  kDeleteGenerator,
  kGetStatistics,
};
constexpr auto kNotSupported = static_cast<Errno>(524);  // ENOTSUPP: no number for programs, but Linux lets it out here
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
  // By the driver's name if there is one; else the first of the name. Of those whose flags are as wanted.
  bool is_asked_for(const AlgorithmReport& report) const {
    if (is_dump_) return true;
    if (is_found_ || ((report.flags ^ asked_.type) & asked_.mask) != 0) return false;
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
    head.references = report.references + (is_dump_ ? 0 : 1);  // the answer to one question holds it, too
    head.flags = report.flags;
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

// What a request says beside its struct.
struct Asked {
  UserAlgorithm user{};
  std::optional<uint32_t> priority;
};

// EINVAL for less than a struct, ERANGE for a priority that is none.
Result<Asked> parse(const NetlinkRequest& request) {
  Asked asked;
  if (request.payload.size() < sizeof asked.user) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(asked.user), request.payload);
  uint32_t priority = 0;
  if (TRY(NetlinkAttributes(request.payload.subspan(sizeof asked.user)).read(kPriority, priority))) asked.priority = priority;
  return asked;
}

Result<> check_names(const UserAlgorithm& user) {
  const auto has_end = [](const char(&name)[kName]) {
    for (const char c : name) {
      if (c == '\0') return true;
    }
    return false;
  };
  return has_end(user.name) && has_end(user.driver) ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

Result<> report(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  Asked asked;
  if (!request.is_dump()) {
    asked = TRY(parse(request));
    TRY(check_names(asked.user));
  }
  CompatState& state = CompatState::of(context.stack());
  CryptoReport report(context, request, output, asked.user);
  if (state.report_algorithms != nullptr) {
    state.report_algorithms(state.algorithm_registry, context.entry(), &CryptoReport::visit, &report);
  }
  return report.finish();
}

Result<> change(SyscallContext& context, const NetlinkRequest& request, AlgorithmChange::What what) {
  const Asked asked = TRY(parse(request));
  if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  TRY(check_names(asked.user));
  CompatState& state = CompatState::of(context.stack());
  if (state.change_algorithms == nullptr) return Errno::ENOENT;
  return state.change_algorithms(state.algorithm_registry, context.entry(),
                                 AlgorithmChange{.what = what,
                                                 .name = asked.user.name,
                                                 .driver = asked.user.driver,
                                                 .type = asked.user.type,
                                                 .mask = asked.user.mask,
                                                 .priority = asked.priority});
}

}  // namespace

bool is_crypto_question(uint16_t type) { return type == kGetAlgorithm; }

Result<> handle_crypto_user(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  switch (request.header.type) {
    case kNewAlgorithm:
      return change(context, request, AlgorithmChange::What::Add);
    case kDeleteAlgorithm:
      return change(context, request, AlgorithmChange::What::Delete);
    case kUpdateAlgorithm:
      return change(context, request, AlgorithmChange::What::Update);
    case kGetAlgorithm:
      return report(context, request, output);
    case kDeleteGenerator:
      // The one the kernel keeps for itself, and we keep none.
      return context.hal().capable(LXNET_CAP_NET_ADMIN) ? Result<>(ok()) : Result<>(Errno::EPERM);
    case kGetStatistics: {
      TRY(parse(request));
      return kNotSupported;
    }
    default:
      return Errno::EINVAL;
  }
}

}  // namespace lxnet
