// Taking programs in. What they do is stack/bpf's.
#include "compat/syscalls/filter_options.hh"

#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/socket_option_calls.hh"

namespace lxnet {
namespace {

// struct sock_fprog in either layout.
struct UserProgram {
  uint16_t count = 0;
  UserAddress instructions;
};

size_t program_size(const SyscallContext& context) { return context.is_32bit() ? 8 : 16; }

Result<UserProgram> read_program(const OptionInput& input) {
  if (static_cast<size_t>(input.length) != program_size(input.context)) return Errno::EINVAL;
  const Hal& hal = input.context.hal();
  struct Wide {
    uint16_t count, padding[3];
    uint64_t instructions;
  };
  struct Narrow {
    uint16_t count, padding;
    uint32_t instructions;
  };
  if (input.context.is_32bit()) {
    const auto narrow = TRY(read_user<Narrow>(hal, input.value));
    return UserProgram{narrow.count, UserAddress(narrow.instructions)};
  }
  const auto wide = TRY(read_user<Wide>(hal, input.value));
  return UserProgram{wide.count, UserAddress(wide.instructions)};
}

}  // namespace

// In Linux's order: the struct, the lock, the sizes, the instructions, the rules.
Result<Ref<BpfProgram>> take_filter(const OptionInput& input) {
  const UserProgram user = TRY(read_program(input));
  if (input.socket.options()->filter_locked) return Errno::EPERM;
  if (user.instructions.is_null() || user.count == 0 || user.count > kBpfMaxInstructions) return Errno::EINVAL;
  const Hal& hal = input.context.hal();
  auto copy = TRY(HeapArray<BpfInstruction>::create(hal, user.count));
  const MutableByteSpan bytes(reinterpret_cast<uint8_t*>(copy.data()), copy.size() * sizeof(BpfInstruction));
  TRY(copy_in(hal, bytes, user.instructions));
  Ref<BpfProgram> program = TRY(BpfProgram::create(hal, {copy.data(), copy.size()}));
  if (program->memory_size() > static_cast<size_t>(input.context.stack().tunables().values().optmem_max)) return Errno::ENOMEM;
  return program;
}

namespace {

bool is_tcp(SocketFile& socket) {
  const Socket* internet = socket.internet_socket();
  return internet != nullptr && internet->type() == SocketType::Stream && internet->protocol() == 6;
}

}  // namespace

// A filter may cut what it lets through, and a stream's segments must not be: whom one trusts may have it.
Result<> attach_filter(const OptionInput& input) {
  if (is_tcp(input.socket) && !input.context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  Ref<BpfProgram> program = TRY(take_filter(input));
  SocketAttachments* attachments = input.socket.attachments();
  if (attachments == nullptr) return Errno::EOPNOTSUPP;
  TRY(attachments->set_filter(input.context.hal(), std::move(program)));
  return ok();
}

Result<> detach_filter(SyscallContext& context, SocketFile& socket, int) {
  if (socket.options()->filter_locked) return Errno::EPERM;
  SocketAttachments* attachments = socket.attachments();
  return attachments != nullptr && TRY(attachments->set_filter(context.hal(), nullptr)) ? ok() : Result<>(Errno::ENOENT);
}

Result<> lock_filter(SyscallContext& context, SocketFile& socket, int value) {
  if (socket.options()->filter_locked && value == 0) return Errno::EPERM;
  return set_value(context, socket, &SocketOptions::filter_locked, value != 0);
}

Result<> get_filter(const OptionOutput& output) {
  SocketAttachments* attachments = output.socket.attachments();
  const Ref<BpfProgram> program = attachments == nullptr ? nullptr : attachments->filter();
  const int count = program ? static_cast<int>(program->instructions().size()) : 0;
  if (count != 0 && output.length != 0) {
    if (output.length < count) return Errno::EINVAL;
    const std::span<const BpfInstruction> instructions = program->instructions();
    const ByteSpan bytes(reinterpret_cast<const uint8_t*>(instructions.data()), instructions.size_bytes());
    TRY(copy_out(output.context.hal(), output.value, bytes));
  }
  return write_user(output.context.hal(), output.length_address, count);
}

Result<> attach_group_filter(const OptionInput& input) {
  Ref<BpfProgram> program = TRY(take_filter(input));
  Socket* socket = input.socket.internet_socket();
  if (socket == nullptr) return Errno::EINVAL;
  return socket->set_group_program(input.context.entry(), std::move(program));
}

Result<> detach_group_filter(SyscallContext& context, SocketFile& file, int) {
  Socket* socket = file.internet_socket();
  if (socket == nullptr) return Errno::EINVAL;
  return socket->set_group_program(context.entry(), nullptr);
}

Result<> attach_descriptor(const OptionInput& input) {
  if (static_cast<size_t>(input.length) != sizeof(int)) return Errno::EINVAL;
  const int descriptor = TRY(input.read<int>());
  if (input.socket.options()->filter_locked) return Errno::EPERM;
  return find_file(input.context, descriptor).is_error(Errno::EBADF) ? Errno::EBADF : Errno::EINVAL;
}

}  // namespace lxnet
