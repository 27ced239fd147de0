// A socket's part in its fanout group (fanout_add, fanout_release).
#include "compat/afpacket/packet_socket.hh"

namespace lxnet {
namespace {

bool is_known(FanoutKind kind) { return kind <= FanoutKind::Ebpf; }

}  // namespace

Result<> PacketSocket::join_fanout(SyscallContext&, FanoutRequest request) {
  const FanoutKind kind = request.kind();
  if (!is_known(kind) || (kind == FanoutKind::Rollover && request.has(kFanoutRollover))) return Errno::EINVAL;
  auto flags = static_cast<uint8_t>(request.kind_and_flags >> 8);
  MutexLock lock(domain_.mutex());
  if (fanout_ != nullptr) return Errno::EALREADY;
  uint16_t id = request.id;
  if (request.has(kFanoutUniqueId)) {
    if (id != 0) return Errno::EINVAL;
    if (!domain_.find_free_fanout_locked(id)) return Errno::ENOMEM;
    flags = static_cast<uint8_t>(flags & ~(kFanoutUniqueId >> 8));
  }
  PacketFanout* fanout = domain_.find_fanout_locked(id);
  if (fanout != nullptr) {
    if (fanout->flags() != flags || (request.limit != 0 && request.limit != fanout->limit())) return Errno::EINVAL;
    if (protocol_ == 0 || fanout->kind() != kind || fanout->binding() != tap_binding_) return Errno::EINVAL;
    if (fanout->users >= fanout->limit()) return Errno::ENOSPC;
  } else {
    if (request.limit > PacketFanout::kMostMembers) return Errno::EINVAL;
    if (protocol_ == 0) return Errno::EINVAL;
    fanout = TRY(PacketFanout::create(stack(), request, id, flags, tap_binding_));
    domain_.add_fanout_locked(*fanout);
  }
  const bool was_running = is_running_;
  if (was_running) unhook_locked();
  rollover_ = {.is_on = kind == FanoutKind::Rollover || request.has(kFanoutRollover)};
  fanout_ = fanout;
  ++fanout->users;
  if (was_running) hook_locked();
  return ok();
}

void PacketSocket::leave_fanout_locked() {
  PacketFanout* fanout = std::exchange(fanout_, nullptr);
  if (fanout != nullptr && --fanout->users == 0) domain_.end_fanout_locked(*fanout);
}

uint32_t PacketSocket::fanout_word() {
  MutexLock lock(domain_.mutex());
  if (fanout_ == nullptr) return 0;
  return fanout_->id() | uint32_t{static_cast<uint8_t>(fanout_->kind())} << 16 | uint32_t{fanout_->flags()} << 24;
}

Result<FanoutKind> PacketSocket::fanout_program_kind() {
  MutexLock lock(domain_.mutex());
  if (fanout_ == nullptr || (fanout_->kind() != FanoutKind::Cbpf && fanout_->kind() != FanoutKind::Ebpf)) return Errno::EINVAL;
  return fanout_->kind();
}

Result<> PacketSocket::set_fanout_program(Ref<BpfProgram> program) {
  MutexLock lock(domain_.mutex());
  if (fanout_ == nullptr) return Errno::EINVAL;
  fanout_->set_program(std::move(program));
  return ok();
}

}  // namespace lxnet
