#include "tests/compat/afalg/alg_machine.hh"

#include "compat/syscalls/compat_state.hh"

namespace lxnet::testing {

namespace {

void watch_memory(lxnet_hal& table) {
  static const auto alloc = table.alloc;
  static const auto free = table.free;
  table.alloc = [](void* ctx, size_t size, size_t align) {
    void* block = alloc(ctx, size, align);
    if (block != nullptr) MemoryWatch::current()->taken({static_cast<uint8_t*>(block), size});
    return block;
  };
  table.free = [](void* ctx, void* block, size_t size) {
    MemoryWatch::current()->given_back({static_cast<uint8_t*>(block), size});
    free(ctx, block, size);
  };
}

}  // namespace

AlgMachine::AlgMachine(Implementations implementations) {
  if (MemoryWatch::current() != nullptr) watch_memory(hal.table());
  start();
  EXPECT_EQ(lxnet_enable_afalg(c_stack()), 0);
  EXPECT_EQ(lxnet_enable_afalg(c_stack()), -static_cast<int>(Errno::EEXIST));
#if defined(LXNET_ACCELERATES_AFALG)
  if (implementations == Implementations::All) {
    EXPECT_EQ(lxnet_enable_afalg_x86(c_stack()), 0);
  }
#else
  static_cast<void>(implementations);
#endif
}

AlgorithmRegistry& AlgMachine::registry() { return *AlgorithmRegistry::find(stack()); }

int AlgMachine::bound(const std::string& type, const std::string& name) {
  const int fd = static_cast<int>(call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0));
  if (fd < 0) return fd;
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  strncpy(reinterpret_cast<char*>(address.salg_type), type.c_str(), sizeof address.salg_type - 1);
  strncpy(reinterpret_cast<char*>(address.salg_name), name.c_str(), sizeof address.salg_name - 1);
  const int64_t bound = call(SYS_bind, fd, &address, sizeof address);
  if (bound == 0) return fd;
  close(fd);
  return static_cast<int>(bound);
}

int AlgMachine::operation(const std::string& type, const std::string& name, const Bytes& key) {
  const int fd = bound(type, name);
  if (fd < 0) return fd;
  if (const int64_t set = key.empty() ? 0 : set_key(fd, key); set != 0) return static_cast<int>(set);
  return static_cast<int>(call(SYS_accept4, fd, nullptr, nullptr, 0));
}

int64_t AlgMachine::send_operation(int fd, uint32_t operation, const Bytes& iv, const Bytes& data, int flags,
                                   uint32_t associated) {
  alignas(cmsghdr) char control[256] = {};
  msghdr header{};
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  size_t used = 0;
  const auto add = [&](int type, size_t size) {
    message->cmsg_level = SOL_ALG;
    message->cmsg_type = type;
    message->cmsg_len = CMSG_LEN(size);
    used += CMSG_SPACE(size);
    unsigned char* room = CMSG_DATA(message);
    message = reinterpret_cast<cmsghdr*>(control + used);
    return room;
  };
  memcpy(add(ALG_SET_OP, 4), &operation, 4);
  memcpy(add(ALG_SET_AEAD_ASSOCLEN, 4), &associated, 4);
  if (!iv.empty()) {
    unsigned char* room = add(ALG_SET_IV, 4 + iv.size());
    const auto size = static_cast<uint32_t>(iv.size());
    memcpy(room, &size, 4);
    memcpy(room + 4, iv.data(), iv.size());
  }
  header.msg_controllen = used;
  iovec vector{const_cast<uint8_t*>(data.data()), data.size()};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  return call(SYS_sendmsg, fd, &header, flags);
}

Bytes AlgMachine::receive(int fd, size_t room) {
  Bytes bytes(room);
  const int64_t size = call(SYS_recvfrom, fd, bytes.data(), room, MSG_DONTWAIT, nullptr, nullptr);
  EXPECT_GE(size, 0);
  bytes.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return bytes;
}

const char* type_name(AlgorithmKind kind) {
  switch (kind) {
    case AlgorithmKind::Hash:
      return "hash";
    case AlgorithmKind::Skcipher:
      return "skcipher";
    case AlgorithmKind::Aead:
      return "aead";
    case AlgorithmKind::Rng:
      return "rng";
    case AlgorithmKind::Cipher:
      break;
  }
  return "cipher";
}

}  // namespace lxnet::testing
