// Operation sockets of AF_ALG: the input is an algorithm, a key, and a sequence of calls on the parent and on what it accepted.
// No call blocks. What is read never passes the room there was, what is sent never the data, and a wrong tag gives nothing away.
#include <linux/if_alg.h>
#include <poll.h>

#include "fuzz/support/algorithms.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

constexpr uint8_t kUntouched = 0xa5;

struct Row {
  const char *type, *name;
  size_t key_size;
};
constexpr Row kRows[] = {{"hash", "sha256", 0},
                         {"hash", "hmac(sha1)", 20},
                         {"hash", "cmac(aes)", 16},
                         {"hash", "crc32c", 4},
                         {"hash", "sha3-256", 0},
                         {"hash", "blake2b-256", 32},
                         {"hash", "xcbc(aes)", 16},
                         {"hash", "sha512", 0},
                         {"skcipher", "cbc(aes)", 16},
                         {"skcipher", "ctr(aes)", 32},
                         {"skcipher", "xts(aes)", 32},
                         {"skcipher", "cts(cbc(aes))", 16},
                         {"skcipher", "cfb(aes)", 16},
                         {"skcipher", "ecb(des3_ede)", 24},
                         {"skcipher", "chacha20", 32},
                         {"skcipher", "ofb(camellia)", 16},
                         {"aead", "gcm(aes)", 16},
                         {"aead", "ccm(aes)", 16},
                         {"aead", "rfc4106(gcm(aes))", 20},
                         {"aead", "rfc4309(ccm(aes))", 19},
                         {"aead", "rfc7539(chacha20,poly1305)", 32},
                         {"aead", "rfc7539esp(chacha20,poly1305)", 36},
                         {"aead", "authenc(hmac(sha256),cbc(aes))", 56},
                         {"rng", "stdrng", 0}};

class Session {
 public:
  Session(const Row& row, Input& input) : input_(input) {
    parent_ = static_cast<int>(host().call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0));
    sockaddr_alg address{};
    address.salg_family = AF_ALG;
    strcpy(reinterpret_cast<char*>(address.salg_type), row.type);
    strcpy(reinterpret_cast<char*>(address.salg_name), row.name);
    check(host().call(SYS_bind, parent_, &address, sizeof address) == 0);
    const auto how = input.take<uint8_t>();
    if ((how & 3) != 0) set_key(row, how);
    if ((how & 4) != 0) set_tag_size();
    for (int& fd : operations_) fd = accept(parent_);
  }
  ~Session() {
    for (const int fd : operations_) {
      if (fd >= 0) host().call(SYS_close, fd);
    }
    host().call(SYS_close, parent_);
  }
  Session(const Session&) = delete;

  void step(const Row& row) {
    const auto what = input_.take<uint8_t>();
    int& fd = operations_[what & 1];
    switch (what >> 1 & 7) {
      case 0:
      case 1:
        return send(fd);
      case 2:
      case 3:
        return receive(fd);
      case 4:
        return set_key(row, input_.take<uint8_t>());
      case 5:
        return set_tag_size();
      case 6:
        return fork(fd);
      default:
        return look(fd);
    }
  }

 private:
  static int accept(int fd) { return static_cast<int>(host().call(SYS_accept4, fd, nullptr, nullptr, SOCK_NONBLOCK)); }

  // Mostly of the right size. Authenc's begin with an attribute.
  void set_key(const Row& row, uint8_t how) {
    const size_t size = (how & 2) != 0 ? row.key_size : input_.take<uint8_t>();
    std::vector<uint8_t> key = input_.take_bytes(size);
    key.resize(size);
    constexpr uint8_t kAttribute[] = {8, 0, 1, 0, 0, 0, 0, 16};
    if ((how & 8) != 0 && size >= sizeof kAttribute) memcpy(key.data(), kAttribute, sizeof kAttribute);
    host().call(SYS_setsockopt, parent_, SOL_ALG, ALG_SET_KEY, key.data(), key.size());
  }
  void set_tag_size() {
    host().call(SYS_setsockopt, parent_, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, input_.take<uint8_t>() % 20);
  }

  // Good control messages and then, perhaps, any bytes at all.
  std::vector<uint8_t> make_control(uint8_t how) {
    std::vector<uint8_t> control;
    const auto add = [&](int type, const std::vector<uint8_t>& data) {
      cmsghdr header{};
      header.cmsg_len = CMSG_LEN(data.size());
      header.cmsg_level = SOL_ALG;
      header.cmsg_type = type;
      const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
      control.insert(control.end(), bytes, bytes + sizeof header);
      control.insert(control.end(), data.begin(), data.end());
      control.resize(CMSG_ALIGN(control.size()));
    };
    if ((how & 1) != 0) add(ALG_SET_OP, {static_cast<uint8_t>(how >> 4 & 1), 0, 0, 0});
    if ((how & 2) != 0) {
      constexpr uint8_t kSizes[] = {16, 12, 8, 0};
      const uint8_t size = kSizes[how >> 5 & 3];
      std::vector<uint8_t> iv = input_.take_bytes(size);
      iv.resize(size);
      iv.insert(iv.begin(), {size, 0, 0, 0});
      add(ALG_SET_IV, iv);
    }
    if ((how & 4) != 0) add(ALG_SET_AEAD_ASSOCLEN, {input_.take<uint8_t>(), 0, 0, input_.take<uint8_t>()});
    if ((how & 8) != 0) {
      const std::vector<uint8_t> more = input_.take_bytes(input_.take<uint8_t>());
      control.insert(control.end(), more.begin(), more.end());
    }
    return control;
  }

  void send(int fd) {
    std::vector<uint8_t> control = make_control(input_.take<uint8_t>());
    const auto flags = input_.take<uint8_t>();
    std::vector<uint8_t> text = input_.take_bytes(input_.take<uint8_t>());
    // Long ones fill the buffer.
    if ((flags & 2) != 0) text.resize(text.size() + input_.take<uint16_t>());
    iovec pieces[2] = {{text.data(), text.size() / 3}, {text.data() + text.size() / 3, text.size() - text.size() / 3}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const int64_t sent = host().call(SYS_sendmsg, fd, &message, MSG_DONTWAIT | ((flags & 1) != 0 ? MSG_MORE : 0));
    check(sent <= static_cast<int64_t>(text.size()));
  }

  void receive(int fd) {
    const size_t room = input_.take<uint16_t>();
    std::vector<uint8_t> text(room + 16, kUntouched);
    const int64_t size = host().call(SYS_recvfrom, fd, text.data(), room, MSG_DONTWAIT, nullptr, nullptr);
    check(size <= static_cast<int64_t>(room));
    const size_t given = size < 0 ? 0 : static_cast<size_t>(size);
    // Ciphers may have written a whole message before the one that was refused.
    const size_t from = size == -static_cast<int>(Errno::EBADMSG) ? room : given;
    for (size_t i = from; i < text.size(); ++i) check(text[i] == kUntouched);
  }

  void fork(int& fd) {
    const int forked = accept(input_.take<uint8_t>() % 2 == 0 ? fd : parent_);
    if (forked < 0) return;
    host().call(SYS_close, fd);
    fd = forked;
  }

  void look(int fd) {
    pollfd entry{fd, POLLIN | POLLOUT, 0};
    check(host().call(SYS_poll, &entry, 1, 0) >= 0 && (entry.revents & ~(POLLIN | POLLOUT)) == 0);
    int size = input_.take<uint16_t>();
    host().call(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  }

  Input& input_;
  int parent_ = -1;
  int operations_[2] = {-1, -1};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_enabled = serve_algorithms();
  check(is_enabled);
  Input input(data, size);
  const Row& row = kRows[input.take<uint8_t>() % std::size(kRows)];
  Session session(row, input);
  for (int i = 0; i < 32 && input.left() != 0; ++i) session.step(row);
  return 0;
}
