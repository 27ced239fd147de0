// unix_diag: net/unix/diag.c. Not given: UNIX_DIAG_VFS, the node behind a path, and UNIX_DIAG_ICONS, who
// waits to be accepted.
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/sock_diag.hh"
#include "compat/syscalls/compat_state.hh"
#include "compat/syscalls/unix_report.hh"

namespace lxnet {
namespace {

struct UnixDiagRequest {
  uint8_t family, protocol;
  uint16_t pad;
  uint32_t states, inode, show;
  uint32_t cookie[2];
};
struct UnixDiagMessage {
  uint8_t family, type, state, pad;
  uint32_t inode;
  uint32_t cookie[2];
};
enum : uint32_t { kShowName = 1, kShowPeer = 4, kShowQueues = 16, kShowMemory = 32, kShowUser = 64 };
enum : uint16_t { kName = 0, kPeer = 2, kQueues = 4, kMemory = 5, kShutdown = 6, kUser = 7 };
constexpr uint8_t kEstablished = 1, kClosed = 7, kListening = 10;
constexpr uint32_t kAnyCookie = ~0u;

class UnixDiag {
 public:
  UnixDiag(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output, const UnixDiagRequest& asked)
      : context_(context), writer_(context.hal(), output, request), is_dump_(request.is_dump()), asked_(asked) {}

  static void visit(void* self, const UnixReport& report) { static_cast<UnixDiag*>(self)->add(report); }
  Result<> finish() {
    if (error_ != Errno{}) return error_;
    if (is_dump_) return writer_.finish_dump();
    if (!is_found_) return Errno::ENOENT;
    return writer_.flush();
  }

 private:
  void add(const UnixReport& report) {
    if (error_ != Errno{}) return;
    const uint32_t inode = report.file == nullptr ? 0 : inode_of(report.cookie);
    if (inode == 0) return;  // as on Linux: nobody has a descriptor of it
    const uint8_t state = report.is_listening ? kListening : report.is_connected ? kEstablished : kClosed;
    if (is_dump_ ? (asked_.states >> state & 1) == 0 : inode != asked_.inode || is_found_) return;
    is_found_ = true;
    if (!is_dump_ && !has_cookie(report.cookie)) {
      error_ = Errno::ESTALE;
      return;
    }
    auto written = write(report, inode, state);
    if (!written.is_ok()) error_ = written.error();
  }

  bool has_cookie(uint64_t cookie) const {
    if (asked_.cookie[0] == kAnyCookie && asked_.cookie[1] == kAnyCookie) return true;
    return asked_.cookie[0] == static_cast<uint32_t>(cookie) && asked_.cookie[1] == static_cast<uint32_t>(cookie >> 32);
  }

  Result<> write(const UnixReport& report, uint32_t inode, uint8_t state) {
    const UnixDiagMessage message{
        kFamilyUnix, static_cast<uint8_t>(report.type),
        state,       0,
        inode,       {static_cast<uint32_t>(report.cookie), static_cast<uint32_t>(report.cookie >> 32)}};
    TRY(writer_.begin(kDiagByFamily, is_dump_ ? uint16_t{kNetlinkMulti} : uint16_t{0}, bytes_of(message)));
    if ((asked_.show & kShowName) != 0 && report.name.size() > 2) TRY(writer_.attribute(kName, report.name.bytes().subspan(2)));
    if ((asked_.show & kShowPeer) != 0 && report.peer != nullptr) TRY(writer_.attribute(kPeer, inode_of(report.peer_cookie)));
    if ((asked_.show & kShowQueues) != 0) {
      const uint32_t queues[2] = {report.receive_queue, report.send_queue};
      TRY(writer_.attribute(kQueues, queues));
    }
    if ((asked_.show & kShowMemory) != 0) {
      // SK_MEMINFO_*: received, its limit, sent, its limit, ahead, queued, options, backlog, drops.
      const uint32_t memory[9] = {0, report.receive_buffer, report.send_memory, report.send_buffer, 0, 0, 0, 0, 0};
      TRY(writer_.attribute(kMemory, memory));
    }
    TRY(writer_.attribute(kShutdown, report.shut));
    if ((asked_.show & kShowUser) != 0) TRY(writer_.attribute(kUser, report.uid));
    return writer_.end();
  }

  uint32_t inode_of(uint64_t cookie) const {
    return static_cast<uint32_t>(NetlinkDomain::of(context_.stack()).inode_of(context_.hal(), cookie));
  }

  SyscallContext& context_;
  NetlinkWriter writer_;
  bool is_dump_;
  UnixDiagRequest asked_;
  bool is_found_ = false;
  Errno error_{};
};

}  // namespace

Result<> diag_unix(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  CompatState& state = CompatState::of(context.stack());
  if (state.report_unix_sockets == nullptr) return Errno::ENOENT;  // a Linux without unix_diag
  UnixDiagRequest asked{};
  if (request.payload.size() < sizeof asked) return Errno::EINVAL;
  copy_bytes(mutable_bytes_of(asked), request.payload);
  if (!request.is_dump() && asked.inode == 0) return Errno::EINVAL;
  UnixDiag diag(context, request, output, asked);
  state.report_unix_sockets(state.unix_domain, &UnixDiag::visit, &diag);
  return diag.finish();
}

}  // namespace lxnet
