// The system-call table, and lxnet_syscall() that looks into it.
// lint: table
#include "compat/syscalls/call_tracer.hh"
#include "compat/syscalls/calls.hh"
#include "compat/syscalls/compat_state.hh"
#include "compat/syscalls/syscall_table.hh"

namespace lxnet {
namespace {

using enum Support;

constexpr int16_t kNone = kNoNumber;

constexpr SyscallRow kSyscalls[] = {
    //                         name              x86_64  i386  generic
    syscall_row<&sys_read>("read", 0, 3, 63, Full),
    syscall_row<&sys_write>("write", 1, 4, 64, Full),
    syscall_row<&sys_poll>("poll", 7, 168, kNone, Full),
    syscall_row<&sys_ioctl>("ioctl", 16, 54, 29, Full),
    syscall_row<&sys_pread64>("pread64", 17, kNone, 67, Full),
    syscall_row<&sys_pwrite64>("pwrite64", 18, kNone, 68, Full),
    syscall_row<&sys_readv>("readv", 19, 145, 65, Full),
    syscall_row<&sys_writev>("writev", 20, 146, 66, Full),
    syscall_row<&sys_select>("select", 23, 142, kNone, Full),
    syscall_row<&sys_old_select>("old_select", kNone, 82, kNone, Full),
    syscall_row<&sys_sendfile>("sendfile", 40, 187, 71, Full),
    syscall_row<&sys_sendfile64>("sendfile64", kNone, 239, kNone, Full),
    syscall_row<&sys_socket>("socket", 41, 359, 198, Full),
    syscall_row<&sys_connect>("connect", 42, 362, 203, Full),
    syscall_row<&sys_accept>("accept", 43, kNone, 202, Full),
    syscall_row<&sys_sendto>("sendto", 44, 369, 206, Full),
    syscall_row<&sys_recvfrom>("recvfrom", 45, 371, 207, Full),
    syscall_row<&sys_sendmsg>("sendmsg", 46, 370, 211, Full),
    syscall_row<&sys_recvmsg>("recvmsg", 47, 372, 212, Full),
    syscall_row<&sys_shutdown>("shutdown", 48, 373, 210, Full),
    syscall_row<&sys_bind>("bind", 49, 361, 200, Full),
    syscall_row<&sys_listen>("listen", 50, 363, 201, Full),
    syscall_row<&sys_getsockname>("getsockname", 51, 367, 204, Full),
    syscall_row<&sys_getpeername>("getpeername", 52, 368, 205, Full),
    syscall_row<&sys_socketpair>("socketpair", 53, 360, 199, Full),
    syscall_row<&sys_setsockopt>("setsockopt", 54, 366, 208, Full),
    syscall_row<&sys_getsockopt>("getsockopt", 55, 365, 209, Full),
    syscall_row<&sys_fcntl>("fcntl", 72, 55, 25, Partial, "status flags and owners; descriptor commands are the host's"),
    syscall_row<&sys_fcntl>("fcntl64", kNone, 221, kNone, Partial, "as fcntl"),
    syscall_row<&sys_pselect6>("pselect6", 270, 413, 72, Full),
    syscall_row<&sys_pselect6_time32>("pselect6_time32", kNone, 308, kNone, Full),
    syscall_row<&sys_ppoll>("ppoll", 271, 414, 73, Full),
    syscall_row<&sys_ppoll_time32>("ppoll_time32", kNone, 309, kNone, Full),
    syscall_row<&sys_splice>("splice", 275, 313, 76, Full, "pipes of the host's"),
    syscall_row<&sys_tee>("tee", 276, 315, 77, Full),
    syscall_row<&sys_vmsplice>("vmsplice", 278, 316, 75, Full),
    syscall_row<&sys_accept4>("accept4", 288, 364, 242, Full),
    syscall_row<&sys_preadv>("preadv", 295, 333, 69, Full),
    syscall_row<&sys_pwritev>("pwritev", 296, 334, 70, Full),
    syscall_row<&sys_recvmmsg>("recvmmsg", 299, 417, 243, Full),
    syscall_row<&sys_recvmmsg_time32>("recvmmsg_time32", kNone, 337, kNone, Full),
    syscall_row<&sys_sendmmsg>("sendmmsg", 307, 345, 269, Full),
    syscall_row<&sys_preadv2>("preadv2", 327, 378, 286, Full),
    syscall_row<&sys_pwritev2>("pwritev2", 328, 379, 287, Full),
    syscall_row<&sys_socketcall>("socketcall", kNone, 102, kNone, Full),
};

constexpr uint32_t kNumberLimit = 512;
constexpr uint8_t kNoRow = 0xff;
static_assert(sizeof(kSyscalls) / sizeof(kSyscalls[0]) < kNoRow);

// Number to row, one array per ABI, made by the compiler.
struct NumberIndex {
  uint8_t row[3][kNumberLimit];
};
constexpr NumberIndex make_index() {
  NumberIndex index{};
  for (auto& abi : index.row) {
    for (uint8_t& row : abi) row = kNoRow;
  }
  for (size_t i = 0; i < sizeof(kSyscalls) / sizeof(kSyscalls[0]); ++i) {
    for (size_t abi = 0; abi < 3; ++abi) {
      const int16_t number = kSyscalls[i].numbers[abi];
      if (number >= 0) index.row[abi][number] = static_cast<uint8_t>(i);
    }
  }
  return index;
}
constexpr NumberIndex kIndex = make_index();

const SyscallRow* find_row(Stack& stack, size_t abi, uint32_t number) {
  if (number < kNumberLimit && kIndex.row[abi][number] != kNoRow) return &kSyscalls[kIndex.row[abi][number]];
  for (const std::span<const SyscallRow>& rows : CompatState::of(stack).extensions()) {
    for (const SyscallRow& row : rows) {
      if (row.numbers[abi] >= 0 && static_cast<uint32_t>(row.numbers[abi]) == number) return &row;
    }
  }
  return nullptr;
}

}  // namespace

std::span<const SyscallRow> core_syscalls() { return kSyscalls; }

}  // namespace lxnet

extern "C" int64_t lxnet_syscall(lxnet_stack* c_stack, int abi, uint32_t number, const uint64_t arguments[6]) {
  using namespace lxnet;
  constexpr int64_t kNotOurs = -static_cast<int64_t>(Errno::ENOSYS);
  if (abi < LXNET_ABI_X86_64 || abi > LXNET_ABI_GENERIC) return kNotOurs;
  Stack& stack = *reinterpret_cast<Stack*>(c_stack);
  const SyscallRow* row = find_row(stack, static_cast<size_t>(abi), number);
  if (row == nullptr || row->support == Support::Missing) return kNotOurs;
  SyscallContext context(stack, static_cast<Abi>(abi));
  CallTracer* tracer = CompatState::of(stack).call_tracer;
  auto result = tracer == nullptr ? row->handler(context, arguments) : tracer->run(*tracer, context, *row, arguments);
  return result.is_ok() ? result.take() : -static_cast<int64_t>(result.error());
}
