// crypto/af_alg.c: the parent socket.
#include "compat/afalg/alg_socket.hh"

#include "compat/afalg/algorithm_registry.hh"
#include "compat/afalg/cipher_socket.hh"
#include "compat/afalg/hash_socket.hh"
#include "compat/afalg/rng_socket.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxEntropy = 128;

struct TypeRow {
  const char* name;
  AlgorithmKind kind;
};
constexpr TypeRow kTypes[] = {{"hash", AlgorithmKind::Hash},
                              {"skcipher", AlgorithmKind::Skcipher},
                              {"aead", AlgorithmKind::Aead},
                              {"rng", AlgorithmKind::Rng}};

Result<AlgorithmKind> find_type(const AlgAddressHead& head) {
  for (const TypeRow& row : kTypes) {
    if (NameView::of(head.type) == row.name) return row.kind;
  }
  return Errno::ENOENT;
}

struct Wanted {
  AlgorithmKind kind;
  char name[SockAddr::kCapacity];
};

// The last byte of either text is taken for its end, whatever it is.
Result<Wanted> parse_address(const SockAddr& address) {
  if (address.size() < sizeof(AlgAddressHead) + 1) return Errno::EINVAL;
  auto head = address.as<AlgAddressHead>();
  if (((head.features | head.mask) & ~kAlgKernelDriverOnly) != 0) return Errno::EINVAL;
  head.type[sizeof head.type - 1] = 0;
  Wanted wanted{TRY(find_type(head)), {}};
  const ByteSpan name = address.bytes().subspan(sizeof head);
  memcpy(wanted.name, name.data(), name.size() - 1);
  if ((head.features & head.mask) != 0) return Errno::ENOENT;
  return wanted;
}

}  // namespace

AlgFile::AlgFile(Stack& stack)
    : SocketFile(stack, kFamilyAlg, kSockSequenced, 0), waiters_(stack.hal()), mutex_(stack.hal(), LockRank::Socket) {
  const TunableValues& tunables = stack.tunables().values();
  options_.send_buffer = static_cast<uint32_t>(tunables.wmem_default);
  options_.receive_buffer = static_cast<uint32_t>(tunables.rmem_default);
}

uint64_t AlgFile::cookie() {
  if (cookie_ == 0) cookie_ = stack().sockets().next_cookie();
  return cookie_;
}

Result<Ref<SocketFile>> AlgSocket::create(SyscallContext& context, int type, int protocol) {
  if (type != kSockSequenced) return Errno::ESOCKTNOSUPPORT;
  if (protocol != 0) return Errno::EPROTONOSUPPORT;
  Ref<AlgTransform> transform = TRY(make_ref<AlgTransform>(context.hal(), context.hal()));
  AlgSocket* socket = construct<AlgSocket>(context.hal(), context.stack(), std::move(transform));
  if (socket == nullptr) return Errno::ENOMEM;
  return Ref<SocketFile>::adopt(socket);
}

Result<> AlgSocket::bind(SyscallContext& context, const SockAddr& address) {
  const Wanted wanted = TRY(parse_address(address));
  AlgorithmRegistry& registry = *AlgorithmRegistry::find(stack());
  AlgorithmRef algorithm = TRY(registry.get(context.entry(), NameView::of(wanted.name), wanted.kind));
  SecretMemory memory = TRY(SecretMemory::create(context.hal(), algorithm->context_size));
  TaskMutexLock lock(transform_->mutex(), context.entry());
  return transform_->bind(algorithm, memory);
}

Result<> AlgSocket::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  TaskMutexLock lock(transform_->mutex(), context.entry());
  if (!transform_->may_change_key()) return Errno::EBUSY;
  if (level != kAlgLevel || !transform_->is_bound()) return Errno::ENOPROTOOPT;
  const auto size = static_cast<size_t>(length);
  const AlgorithmKind kind = transform_->row().kind;
  switch (name) {
    case kAlgSetKey:
      return set_key(context, value, size);
    case kAlgSetTagSize:
      // The length is the value.
      return kind == AlgorithmKind::Aead ? transform_->set_tag_size(size) : Result<>(Errno::ENOPROTOOPT);
    case kAlgSetEntropy:
      return kind == AlgorithmKind::Rng ? set_entropy(context, value, size) : Result<>(Errno::ENOPROTOOPT);
    default:
      // kAlgSetKeyBySerial too, as on a kernel without keyrings.
      return Errno::ENOPROTOOPT;
  }
}

Result<> AlgSocket::set_key(SyscallContext& context, UserAddress value, size_t size) NO_THREAD_SAFETY_ANALYSIS {
  if (size >= static_cast<size_t>(stack().tunables().values().optmem_max)) return Errno::ENOMEM;
  const SecretMemory key = TRY(SecretMemory::create(context.hal(), size));
  TRY(copy_in(context.hal(), key.span(), value));
  const Algorithm& row = transform_->row();
  if (row.kind != AlgorithmKind::Rng) return transform_->set_key(key.span());
  return row.rng->seed(row, context.hal(), transform_->context(), key.span());
}

// As a kernel with CONFIG_CRYPTO_USER_API_RNG_CAVP has it.
Result<> AlgSocket::set_entropy(SyscallContext& context, UserAddress value, size_t size) NO_THREAD_SAFETY_ANALYSIS {
  if (!context.hal().capable(LXNET_CAP_SYS_ADMIN)) return Errno::EACCES;
  if (!transform_->entropy.is_empty()) return Errno::EINVAL;
  if (size > kMaxEntropy) return Errno::EMSGSIZE;
  if (size == 0) return ok();
  SecretMemory entropy = TRY(SecretMemory::create(context.hal(), size));
  TRY(copy_in(context.hal(), entropy.span(), value));
  transform_->entropy = std::move(entropy);
  const Algorithm& row = transform_->row();
  if (row.rng->set_entropy != nullptr) row.rng->set_entropy(row, transform_->context(), transform_->entropy.span());
  return ok();
}

Result<Ref<SocketFile>> AlgSocket::accept(SyscallContext& context) { return accept_operation(context, transform_); }

Result<Ref<SocketFile>> accept_operation(SyscallContext& context, const Ref<AlgTransform>& transform) {
  TaskMutexLock lock(transform->mutex(), context.entry());
  if (!transform->is_bound()) return Errno::EINVAL;
  AlgTransformUse use(transform, transform->has_key());
  Ref<SocketFile> socket;
  switch (transform->row().kind) {
    case AlgorithmKind::Hash:
      socket = TRY(HashSocket::create(context, std::move(use)));
      break;
    case AlgorithmKind::Skcipher:
    case AlgorithmKind::Aead:
      socket = TRY(CipherSocket::create(context, std::move(use)));
      break;
    case AlgorithmKind::Rng:
      socket = TRY(RngSocket::create(context, std::move(use), !transform->entropy.is_empty()));
      break;
    case AlgorithmKind::Cipher:
      return Errno::EINVAL;
  }
  transform->add_child(transform->has_key());
  return socket;
}

}  // namespace lxnet
