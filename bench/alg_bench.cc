// AF_ALG through its sockets, one request and its answer an operation, against OpenSSL's EVP; the floor is the implementation
// alone, called on the same buffers. Linux is measured where the host's kernel has AF_ALG.
#include <linux/if_alg.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "base/hosted_errno.hh"
#include "bench/support/bench.hh"
#include "bench/support/systems.hh"
#include "compat/afalg/x86/rows.hh"

namespace lxnet::bench {
namespace {

constexpr size_t kAssociated = 16, kTag = 16;

struct Task {
  const char* what;  // in the case's name
  const char* type;  // of sockaddr_alg
  const char* name;  // and its name
  const char* evp;   // OpenSSL's
  size_t key_size;
  size_t iv_size;
};
constexpr Task kTasks[] = {
    {"sha256", "hash", "sha256", "SHA256", 0, 0},
    {"aes-128-cbc encrypt", "skcipher", "cbc(aes)", "AES-128-CBC", 16, 16},
    {"aes-128-cbc decrypt", "skcipher", "cbc(aes)", "AES-128-CBC", 16, 16},
    {"aes-256-cbc encrypt", "skcipher", "cbc(aes)", "AES-256-CBC", 32, 16},
    {"aes-256-cbc decrypt", "skcipher", "cbc(aes)", "AES-256-CBC", 32, 16},
    {"aes-128-xts encrypt", "skcipher", "xts(aes)", "AES-128-XTS", 32, 16},
    {"aes-256-xts encrypt", "skcipher", "xts(aes)", "AES-256-XTS", 64, 16},
    {"aes-128-gcm encrypt", "aead", "gcm(aes)", "AES-128-GCM", 16, 12},
    {"aes-256-gcm encrypt", "aead", "gcm(aes)", "AES-256-GCM", 32, 12},
    {"chacha20-poly1305 encrypt", "aead", "rfc7539(chacha20,poly1305)", "ChaCha20-Poly1305", 32, 12},
};

bool is(const Task& task, const char* type) { return std::string(task.type) == type; }
bool decrypts(const Task& task) { return std::string(task.what).find("decrypt") != std::string::npos; }

// What every side works on. XTS refuses two keys that are equal.
struct Buffers {
  explicit Buffers(const Task& task, size_t size)
      : key(task.key_size), iv(16), in(kAssociated + size, 0x5a), out(kAssociated + size + kTag) {
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
  }
  std::vector<uint8_t> key, iv, in, out;
};

// ---- through sockets

bool prepare(Linux& system) {
  const int64_t fd = system.call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
  if (fd >= 0) system.call(SYS_close, fd);
  return fd >= 0;
}
bool prepare(Lxnet& system) {
  check(lxnet_enable_afalg(system.host().c_stack()), "lxnet_enable_afalg");
  check(lxnet_enable_afalg_x86(system.host().c_stack()), "lxnet_enable_afalg_x86");
  return true;
}

template <typename System>
class SocketTask {
 public:
  SocketTask(const Task& task, size_t size) : task_(task), size_(size), buffers_(task, size) {
    require(prepare(system_), "no AF_ALG");
    bound_ = static_cast<int>(check(system_.call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0), "socket"));
    sockaddr_alg address{};
    address.salg_family = AF_ALG;
    strcpy(reinterpret_cast<char*>(address.salg_type), task.type);
    strcpy(reinterpret_cast<char*>(address.salg_name), task.name);
    check(system_.call(SYS_bind, bound_, &address, sizeof address), "bind");
    if (task.key_size != 0)
      check(system_.call(SYS_setsockopt, bound_, SOL_ALG, ALG_SET_KEY, buffers_.key.data(), task.key_size), "ALG_SET_KEY");
    if (is(task, "aead")) check(system_.call(SYS_setsockopt, bound_, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, kTag), "authsize");
    operation_ = static_cast<int>(check(system_.call(SYS_accept4, bound_, nullptr, nullptr, 0), "accept"));
    make_message();
  }
  ~SocketTask() {
    system_.call(SYS_close, operation_);
    system_.call(SYS_close, bound_);
  }

  void operate() {
    const auto sent = static_cast<int64_t>(vector_.iov_len);
    require(system_.call(SYS_sendmsg, operation_, &message_, 0) == sent, "a request was not taken whole");
    const int64_t wanted = is(task_, "hash") ? 32 : is(task_, "aead") ? sent + static_cast<int64_t>(kTag) : sent;
    require(system_.call(SYS_read, operation_, buffers_.out.data(), static_cast<size_t>(wanted)) == wanted, "no whole answer");
  }

 private:
  template <typename Fill>
  void add_control(int type, size_t size, Fill fill) {
    auto* header = reinterpret_cast<cmsghdr*>(control_ + message_.msg_controllen);
    header->cmsg_level = SOL_ALG;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(size);
    fill(CMSG_DATA(header));
    message_.msg_controllen += CMSG_SPACE(size);
  }
  void add_number(int type, uint32_t number) {
    add_control(type, sizeof number, [&](uint8_t* data) { memcpy(data, &number, sizeof number); });
  }
  void make_message() {
    const size_t associated = is(task_, "aead") ? kAssociated : 0;
    vector_ = {buffers_.in.data(), associated + size_};
    message_.msg_iov = &vector_;
    message_.msg_iovlen = 1;
    if (is(task_, "hash")) return;
    message_.msg_control = control_;
    add_number(ALG_SET_OP, decrypts(task_) ? ALG_OP_DECRYPT : ALG_OP_ENCRYPT);
    add_control(ALG_SET_IV, sizeof(af_alg_iv) + task_.iv_size, [&](uint8_t* data) {
      const auto size = static_cast<uint32_t>(task_.iv_size);
      memcpy(data, &size, sizeof size);
      memcpy(data + sizeof size, buffers_.iv.data(), task_.iv_size);
    });
    if (associated != 0) add_number(ALG_SET_AEAD_ASSOCLEN, kAssociated);
  }

  const Task& task_;
  size_t size_;
  Buffers buffers_;
  System system_;
  int bound_ = -1, operation_ = -1;
  alignas(cmsghdr) uint8_t control_[256] = {};
  iovec vector_{};
  msghdr message_{};
};

template <typename System>
Work through_sockets(const Task& task, size_t size) {
  return once([work = std::make_shared<SocketTask<System>>(task, size)] { work->operate(); });
}

// ---- the implementation alone

const Algorithm& best_row(const Task& task) {
  const x86::CpuFeatures features = x86::find_cpu_features();
  const Algorithm* best = nullptr;
  for (const auto rows : {x86::aes_rows(), x86::hash_rows(), x86::chacha_rows()}) {
    for (const x86::AcceleratedRow& row : rows) {
      const bool is_socket_kind = row.row->kind != AlgorithmKind::Cipher;
      if (!is_socket_kind || task.name != std::string(row.row->name) || !(features.*row.needs)) continue;
      if (best == nullptr || row.row->priority > best->priority) best = row.row;
    }
  }
  require(best != nullptr, "this processor has no accelerated implementation");
  return *best;
}

class BareTask {
 public:
  BareTask(const Task& task, size_t size) : task_(task), row_(best_row(task)), size_(size), buffers_(task, size) {
    context_ = allocate(row_.context_size);
    state_ = allocate(row_.state_size);
    if (is(task, "skcipher")) require(row_.skcipher->set_key(row_, context_.get(), buffers_.key).is_ok(), "set_key");
    if (is(task, "aead")) require(row_.aead->set_key(row_, context_.get(), buffers_.key).is_ok(), "set_key");
  }

  void operate() {
    uint8_t* const to = buffers_.out.data();
    const uint8_t* const from = buffers_.in.data();
    if (is(task_, "hash")) {
      row_.hash->start(row_, context_.get(), state_.get());
      row_.hash->update(row_, context_.get(), state_.get(), ByteSpan(from, size_));
      row_.hash->finish(row_, context_.get(), state_.get(), to);
    } else if (is(task_, "aead")) {
      const AeadRequest request{.iv = buffers_.iv.data(),
                                .associated = ByteSpan(from, kAssociated),
                                .from = from + kAssociated,
                                .to = to,
                                .size = size_,
                                .tag = to + size_,
                                .tag_size = kTag};
      require(row_.aead->encrypt(row_, context_.get(), request).is_ok(), "encrypt");
    } else {
      const auto crypt = decrypts(task_) ? row_.skcipher->decrypt : row_.skcipher->encrypt;
      require(crypt(row_, context_.get(), buffers_.iv.data(), to, from, size_).is_ok(), "crypt");
    }
    clobber_memory();
  }

 private:
  static std::shared_ptr<void> allocate(size_t size) {
    const size_t rounded = (size + kAlgorithmAlign) / kAlgorithmAlign * kAlgorithmAlign;
    void* block = std::aligned_alloc(kAlgorithmAlign, rounded);
    memset(block, 0, rounded);
    return std::shared_ptr<void>(block, std::free);
  }

  const Task& task_;
  const Algorithm& row_;
  size_t size_;
  Buffers buffers_;
  std::shared_ptr<void> context_, state_;
};

Work bare(const Task& task, size_t size) {
  return once([work = std::make_shared<BareTask>(task, size)] { work->operate(); });
}

// ---- OpenSSL: a key that is set once, an iv for each operation

class OpensslTask {
 public:
  OpensslTask(const Task& task, size_t size) : task_(task), size_(size), buffers_(task, size) {
    if (is(task, "hash")) {
      hash_ = EVP_MD_fetch(nullptr, task.evp, nullptr);
      require(hash_ != nullptr, "OpenSSL has no such hash");
      digest_ = EVP_MD_CTX_new();
      return;
    }
    cipher_ = EVP_CIPHER_fetch(nullptr, task.evp, nullptr);
    require(cipher_ != nullptr, "OpenSSL has no such cipher");
    context_ = EVP_CIPHER_CTX_new();
    const int direction = decrypts(task) ? 0 : 1;
    require(EVP_CipherInit_ex2(context_, cipher_, buffers_.key.data(), buffers_.iv.data(), direction, nullptr) == 1, "EVP init");
    EVP_CIPHER_CTX_set_padding(context_, 0);
  }
  ~OpensslTask() {
    EVP_MD_CTX_free(digest_);
    EVP_MD_free(hash_);
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
  }
  OpensslTask(const OpensslTask&) = delete;

  void operate() {
    if (is(task_, "hash")) {
      EVP_DigestInit_ex2(digest_, hash_, nullptr);
      EVP_DigestUpdate(digest_, buffers_.in.data(), size_);
      require(EVP_DigestFinal_ex(digest_, buffers_.out.data(), nullptr) == 1, "EVP digest");
      return;
    }
    int size = 0;
    uint8_t* const to = buffers_.out.data();
    EVP_CipherInit_ex2(context_, nullptr, nullptr, buffers_.iv.data(), -1, nullptr);
    if (is(task_, "aead")) EVP_CipherUpdate(context_, nullptr, &size, buffers_.in.data(), kAssociated);
    EVP_CipherUpdate(context_, to, &size, buffers_.in.data(), static_cast<int>(size_));
    require(EVP_CipherFinal_ex(context_, to + size, &size) == 1, "EVP cipher");
    if (is(task_, "aead")) EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTag, to + size_);
  }

 private:
  const Task& task_;
  size_t size_;
  Buffers buffers_;
  EVP_MD* hash_ = nullptr;
  EVP_MD_CTX* digest_ = nullptr;
  EVP_CIPHER* cipher_ = nullptr;
  EVP_CIPHER_CTX* context_ = nullptr;
};

Work by_openssl(const Task& task, size_t size) {
  return once([work = std::make_shared<OpensslTask>(task, size)] { work->operate(); });
}

}  // namespace

void add_cases(Suite& suite) {
  Linux host;
  const bool host_has_it = prepare(host);
  for (const Task& task : kTasks) {
    for (const size_t size : {size_t{64}, size_t{1024}, size_t{16384}}) {
      Case added{.name = std::string(task.what) + ", " + std::to_string(size) + " B",
                 .unit = Unit::BytesPerSecond,
                 .items = static_cast<double>(size),
                 .lxnet = [&task, size] { return through_sockets<Lxnet>(task, size); },
                 .openssl = [&task, size] { return by_openssl(task, size); },
                 .floor = [&task, size] { return bare(task, size); }};
      if (host_has_it) added.linux = [&task, size] { return through_sockets<Linux>(task, size); };
      suite.add(std::move(added));
    }
  }
}

}  // namespace lxnet::bench
