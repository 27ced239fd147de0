// The input is what a program sends to NETLINK_NETFILTER, in two pieces: batches of nf_tables and questions. Whatever they make,
// packets that meet it end, all of it can be told again, and it goes when it is told to.
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "fuzz/support/calls.hh"
#include "hal/lxnet.h"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

class Tables {
 public:
  Tables() {
    static const int enabled = lxnet_enable_afnetlink(host().c_stack(), nullptr);
    check(enabled == 0);
    fd_ = static_cast<int>(host().call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_NETFILTER));
    check(fd_ >= 0);
    const int on = 1;
    host().call(SYS_setsockopt, fd_, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  }
  ~Tables() { host().call(SYS_close, fd_); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  void send(const std::vector<uint8_t>& bytes) {
    if (!bytes.empty()) host().call(SYS_sendto, fd_, bytes.data(), bytes.size(), MSG_DONTWAIT, nullptr, 0);
    hear();
  }
  void ask(uint16_t type, uint16_t flags) {
    std::vector<uint8_t> all;
    add(all, type, flags);
    send(all);
  }
  // Everything goes.
  void flush() {
    std::vector<uint8_t> all;
    add(all, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
    add(all, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, 0);
    add(all, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
    send(all);
  }

 private:
  static void add(std::vector<uint8_t>& all, uint16_t type, uint16_t flags, uint16_t resource = 0) {
    struct {
      nlmsghdr head;
      nfgenmsg rest;
    } message{{sizeof message, type, static_cast<uint16_t>(NLM_F_REQUEST | flags), 0, 0},
              {0, 0, static_cast<uint16_t>(resource << 8)}};
    const auto* bytes = reinterpret_cast<const uint8_t*>(&message);
    all.insert(all.end(), bytes, bytes + sizeof message);
  }
  // Each message is whole, and of the attributes that it has.
  void hear() {
    static std::vector<uint8_t> room(1 << 17);
    for (int64_t size; (size = host().call(SYS_recvfrom, fd_, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr)) > 0;) {
      for (size_t at = 0; at < static_cast<size_t>(size);) {
        nlmsghdr head;
        check(static_cast<size_t>(size) - at >= sizeof head);
        memcpy(&head, room.data() + at, sizeof head);
        check(head.nlmsg_len >= sizeof head && head.nlmsg_len <= static_cast<size_t>(size) - at);
        at += NLMSG_ALIGN(head.nlmsg_len);
      }
    }
  }

  int fd_ = -1;
};

// To itself, over lo.
void send_datagrams(int family) {
  const int fd = static_cast<int>(host().call(SYS_socket, family, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  uint8_t name[28] = {static_cast<uint8_t>(family)};
  if (family == AF_INET) name[4] = 127, name[7] = 1;
  if (family == AF_INET6) name[23] = 1;
  socklen_t size = family == AF_INET ? 16 : 28;
  host().call(SYS_bind, fd, name, size);
  host().call(SYS_getsockname, fd, name, &size);
  uint8_t data[64] = {};
  for (const size_t length : {size_t{1}, sizeof data}) {
    host().call(SYS_sendto, fd, data, length, MSG_DONTWAIT, name, size);
    host().call(SYS_recvfrom, fd, data, sizeof data, MSG_DONTWAIT, nullptr, nullptr);
  }
  host().call(SYS_close, fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Tables tables;
  const std::vector<uint8_t> first = input.take_bytes(input.take<uint16_t>());
  tables.send(first);
  tables.send(input.take_bytes(input.left()));
  send_datagrams(AF_INET);
  send_datagrams(AF_INET6);
  for (const int question :
       {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETRULE, NFT_MSG_GETSET, NFT_MSG_GETSETELEM, NFT_MSG_GETOBJ})
    tables.ask(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | question), NLM_F_DUMP);
  tables.flush();
  return 0;
}
