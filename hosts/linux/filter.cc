#include "hosts/linux/filter.hh"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "hosts/linux/call_table.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {
namespace {

struct ReleaseContext {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, ReleaseContext>;

absl::Status seccomp_error(int negative_errno, const char* what) {
  return absl::InternalError(absl::StrCat("libseccomp: ", what, ": ", std::strerror(-negative_errno)));
}

bool is_landlock(const CallRow& row) { return row.shape == Shape::Ruleset || row.shape == Shape::Restrict; }

int add_row(scmp_filter_ctx context, const CallRow& row, int number, const FilterOptions& options) {
  const bool is_refused = row.shape == Shape::Refused || (row.shape == Shape::Ring && options.refuses_rings);
  const bool is_off = is_landlock(row) && !options.follows_landlock;
  const uint32_t action = is_refused ? SCMP_ACT_ERRNO(ENOSYS) : is_off ? SCMP_ACT_ERRNO(EOPNOTSUPP) : SCMP_ACT_NOTIFY;
  if (row.rules.empty()) return ::seccomp_rule_add_exact(context, action, number, 0);
  for (const ArgumentRule& rule : row.rules) {
    // The kernel reads these arguments as 32 bits: what is above them must not hide a call from us.
    scmp_arg_cmp compare = {static_cast<unsigned>(rule.index), SCMP_CMP_MASKED_EQ, rule.mask, rule.value};
    if (int error = ::seccomp_rule_add_exact_array(context, action, number, 1, &compare); error != 0) return error;
  }
  return 0;
}

bool is_left_out(const CallRow& row, const FilterOptions& options) {
  if (row.shape == Shape::Open) return options.proc == ProcView::OfTheHost;
  // Who is born matters where somebody may confine himself. A notice can be interrupted, and fork() never is.
  if (row.shape == Shape::Creation) return !options.follows_landlock;
  if (row.shape != Shape::Refused && row.shape != Shape::Ring) return false;
  const std::string_view name = row.name;
  return std::any_of(options.host_calls.begin(), options.host_calls.end(),
                     [&](const auto& call) { return name.starts_with(call); });
}

absl::StatusOr<Context> create_context(uint32_t arch, const FilterOptions& options) {
  Context context(::seccomp_init(SCMP_ACT_ALLOW));
  if (context == nullptr) return absl::ResourceExhaustedError("libseccomp: out of memory");
  if (arch != ::seccomp_arch_native()) {
    if (int error = ::seccomp_arch_remove(context.get(), SCMP_ARCH_NATIVE); error != 0) return seccomp_error(error, "arch");
    if (int error = ::seccomp_arch_add(context.get(), arch); error != 0) return seccomp_error(error, "arch");
  }
  // x32, and any architecture this kernel may run that we do not know.
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
  ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const CallRow& row : call_rows()) {
    if (is_left_out(row, options)) continue;
    // i386's first mmap has its arguments in memory; the one that libraries use is mmap2.
    if (arch == SCMP_ARCH_X86 && std::strcmp(row.name, "mmap") == 0) continue;
    // socket and its kin have a number here, but i386 programs also go through socketcall, which is a row of its own.
    if (::seccomp_syscall_resolve_name_arch(arch, row.name) == __NR_SCMP_ERROR) continue;
    // Rules are written in the native numbering, whatever architecture they are for.
    int number = ::seccomp_syscall_resolve_name_arch(::seccomp_arch_native(), row.name);
    if (::seccomp_arch_native() == arch && number < 0) continue;
    if (int error = add_row(context.get(), row, number, options); error != 0) return seccomp_error(error, row.name);
  }
  return context;
}

}  // namespace

absl::StatusOr<std::vector<sock_filter>> build_filter(const FilterOptions& options) {
  absl::StatusOr<Context> native = create_context(::seccomp_arch_native(), options);
  if (!native.ok()) return native.status();
  if (::seccomp_arch_native() == SCMP_ARCH_X86_64) {
    absl::StatusOr<Context> i386 = create_context(SCMP_ARCH_X86, options);
    if (!i386.ok()) return i386.status();
    if (int error = ::seccomp_merge(native->get(), i386->get()); error != 0) return seccomp_error(error, "merge");
    i386->release();  // merged: the first context owns it
  }
  // Exported, because libseccomp cannot ask for WAIT_KILLABLE_RECV itself.
  OwnedFd memory(::memfd_create("lxnet-filter", MFD_CLOEXEC));
  if (int error = ::seccomp_export_bpf(native->get(), memory.get()); error != 0) return seccomp_error(error, "export");
  off_t size = ::lseek(memory.get(), 0, SEEK_END);
  std::vector<sock_filter> filter(static_cast<size_t>(size) / sizeof(sock_filter));
  if (::pread(memory.get(), filter.data(), static_cast<size_t>(size), 0) != size) return absl::InternalError("short filter");
  return filter;
}

int install_filter(const std::vector<sock_filter>& filter) {
  sock_fprog program = {.len = static_cast<unsigned short>(filter.size()), .filter = const_cast<sock_filter*>(filter.data())};
  long listener = ::syscall(
      SYS_seccomp, SECCOMP_SET_MODE_FILTER,
      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
  return listener >= 0 ? static_cast<int>(listener) : -errno;
}

}  // namespace lxnet::host
