// What is told of AF_UNIX sockets beside the calls: /proc/net/unix, and netlink's sock_diag as ss asks it.
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

unsigned long inode_of(int fd) {
  struct stat status {};
  ::fstat(fd, &status);
  return status.st_ino;
}

// "Flags Type St" and the name of the line with this inode.
std::string proc_line(unsigned long inode) {
  std::ifstream file("/proc/net/unix");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "Num       RefCount Protocol Flags    Type St Inode Path");
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, name;
    unsigned long seen = 0;
    words >> number >> references >> protocol >> flags >> type >> state >> seen >> name;
    if (seen == inode) return flags + " " + type + " " + state + (name.empty() ? "" : " " + name);
  }
  return "none";
}

TEST(UnixListing, ProcNetUnixTellsNamesTypesAndStates) {
  Directory directory;
  const Name path = directory.name("listed"), abstract = abstract_name("listed");
  const Fd fresh = unix_socket(SOCK_DGRAM), listener = unix_socket(SOCK_STREAM), named = unix_socket(SOCK_SEQPACKET);
  EXPECT_EQ(proc_line(inode_of(fresh)), "00000000 0002 01");
  bind_name(listener, path);
  ::listen(listener, 1);
  EXPECT_EQ(proc_line(inode_of(listener)), "00010000 0001 01 " + std::string(path.address.sun_path));
  bind_name(named, abstract);
  EXPECT_EQ(proc_line(inode_of(named)), "00000000 0005 01 @" + abstract.text().substr(1));
  Pair pair = make_pair_of(SOCK_STREAM);
  const unsigned long inode = inode_of(pair.a);
  EXPECT_EQ(proc_line(inode), "00000000 0001 03");
  pair.a.reset();
  EXPECT_EQ(proc_line(inode), "none");
}

struct Diag {
  unix_diag_msg message{};
  std::map<int, std::string> attributes;
};

// Asks for everything and gathers what comes by inode; a negative errno under 0 when it is refused.
class DiagSocket {
 public:
  DiagSocket() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}
  int fd() const { return fd_; }
  long ask(uint16_t flags, uint32_t states, uint32_t inode, size_t size = sizeof(unix_diag_req)) {
    struct {
      nlmsghdr header;
      unix_diag_req request;
    } question{};
    question.header.nlmsg_len = static_cast<uint32_t>(sizeof(nlmsghdr) + size);
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    question.header.nlmsg_seq = 77;
    question.request.sdiag_family = AF_UNIX;
    question.request.udiag_states = states;
    question.request.udiag_ino = inode;
    question.request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
    question.request.udiag_cookie[0] = question.request.udiag_cookie[1] = ~0u;
    return answer(::send(fd_, &question, question.header.nlmsg_len, 0));
  }
  // False at NLMSG_DONE, an error or when one message was all.
  bool gather(std::map<unsigned long, Diag>& found, int& error) {
    alignas(nlmsghdr) char room[32768];
    const ssize_t size = ::recv(fd_, room, sizeof room, MSG_DONTWAIT);
    if (size < 0) return false;
    size_t left = static_cast<size_t>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(room); NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      EXPECT_EQ(header->nlmsg_seq, 77u);
      if (header->nlmsg_type == NLMSG_DONE) return false;
      if (header->nlmsg_type == NLMSG_ERROR) {
        error = reinterpret_cast<nlmsgerr*>(NLMSG_DATA(header))->error;
        return false;
      }
      Diag diag;
      std::memcpy(&diag.message, NLMSG_DATA(header), sizeof diag.message);
      const char* at = reinterpret_cast<char*>(NLMSG_DATA(header)) + sizeof diag.message;
      const char* end = reinterpret_cast<char*>(header) + header->nlmsg_len;
      while (end - at >= static_cast<long>(sizeof(nlattr))) {
        const auto* attribute = reinterpret_cast<const nlattr*>(at);
        diag.attributes[attribute->nla_type] = std::string(at + NLA_HDRLEN, attribute->nla_len - NLA_HDRLEN);
        at += NLA_ALIGN(attribute->nla_len);
      }
      found[diag.message.udiag_ino] = diag;
    }
    return true;
  }

 private:
  Fd fd_;
};

uint32_t word(const std::string& bytes, size_t at = 0) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

TEST(UnixListing, SockDiagDumpsAllSockets) {
  const Name name = abstract_name("diag");
  const Fd listener = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 3);
  connect_name(client, name);
  Pair pair = make_pair_of(SOCK_SEQPACKET);
  ::send(pair.b, "12345", 5, 0);
  ::shutdown(pair.b, SHUT_RD);
  DiagSocket diag;
  ASSERT_GE(diag.fd(), 0);
  ASSERT_GT(diag.ask(NLM_F_DUMP, ~0u, 0), 0);
  std::map<unsigned long, Diag> found;
  int error = 0;
  while (diag.gather(found, error)) {
  }
  ASSERT_EQ(error, 0);
  ASSERT_TRUE(found.contains(inode_of(listener)));
  const Diag& listening = found[inode_of(listener)];
  EXPECT_EQ(listening.message.udiag_type, SOCK_STREAM);
  EXPECT_EQ(listening.message.udiag_state, 10);
  EXPECT_EQ(listening.attributes.at(UNIX_DIAG_NAME), name.text());
  EXPECT_EQ(word(listening.attributes.at(UNIX_DIAG_RQLEN)), 1u);
  EXPECT_EQ(word(listening.attributes.at(UNIX_DIAG_RQLEN), 4), 3u);
  ASSERT_TRUE(found.contains(inode_of(pair.a)));
  const Diag& first = found[inode_of(pair.a)];
  EXPECT_EQ(first.message.udiag_state, 1);
  EXPECT_EQ(word(first.attributes.at(UNIX_DIAG_PEER)), inode_of(pair.b));
  EXPECT_EQ(word(first.attributes.at(UNIX_DIAG_RQLEN)), 5u);
  EXPECT_EQ(first.attributes.at(UNIX_DIAG_SHUTDOWN)[0], 2);
  // One by its inode.
  found.clear();
  ASSERT_GT(diag.ask(0, ~0u, static_cast<uint32_t>(inode_of(client))), 0);
  EXPECT_TRUE(diag.gather(found, error));
  EXPECT_EQ(found.size(), 1u);
  EXPECT_TRUE(found.contains(inode_of(client)));
}

TEST(UnixListing, SockDiagRefusesWhatItDoesNotKnow) {
  DiagSocket diag;
  std::map<unsigned long, Diag> found;
  int error = 0;
  diag.ask(0, ~0u, 0);
  diag.gather(found, error);
  EXPECT_EQ(error, -EINVAL);
  diag.ask(0, ~0u, 4000000000u);
  diag.gather(found, error);
  EXPECT_EQ(error, -ENOENT);
  diag.ask(NLM_F_DUMP, ~0u, 0, 8);
  diag.gather(found, error);
  EXPECT_EQ(error, -EINVAL);
  EXPECT_EQ(answer(::send(diag.fd(), "", 0, 0)), -ENODATA);
  EXPECT_EQ(answer(::send(diag.fd(), "abc", 3, 0)), 3);
  char byte;
  EXPECT_EQ(answer(::recv(diag.fd(), &byte, 1, MSG_DONTWAIT)), -EAGAIN);
}

TEST(NetlinkSocket, NamesAndOptions) {
  EXPECT_EQ(answer(::socket(AF_NETLINK, SOCK_STREAM, NETLINK_SOCK_DIAG)), -ESOCKTNOSUPPORT);
  const Fd fd(::socket(AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG));
  EXPECT_EQ(get(fd, SO_DOMAIN), AF_NETLINK);
  EXPECT_EQ(get(fd, SO_PROTOCOL), NETLINK_SOCK_DIAG);
  sockaddr_nl address{};
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(length, sizeof address);
  EXPECT_EQ(address.nl_pid, 0u);
  address = {};
  address.nl_family = AF_NETLINK;
  EXPECT_EQ(answer(::bind(fd, reinterpret_cast<sockaddr*>(&address), 11)), -EINVAL);
  EXPECT_EQ(bind_to(fd, address), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_EQ(address.nl_pid, static_cast<uint32_t>(::getpid()));
  const Fd second(::socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
  EXPECT_EQ(bind_to(second, address), -EADDRINUSE);
  address.nl_pid = 0;
  EXPECT_EQ(bind_to(second, address), 0);
  ASSERT_EQ(::getsockname(second, reinterpret_cast<sockaddr*>(&address), &length), 0);
  EXPECT_GT(address.nl_pid, 0x80000000u);
  const uint32_t own = address.nl_pid;
  address.nl_pid = own + 1;
  EXPECT_EQ(bind_to(second, address), -EINVAL);
  EXPECT_EQ(answer(::listen(second, 1)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::shutdown(second, SHUT_RD)), -EOPNOTSUPP);
  EXPECT_EQ(answer(::accept(second, nullptr, nullptr)), -EOPNOTSUPP);
  const int on = 1;
  EXPECT_EQ(answer(::setsockopt(second, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on)), 0);
  int value = 0;
  length = sizeof value;
  EXPECT_EQ(answer(::getsockopt(second, SOL_NETLINK, NETLINK_EXT_ACK, &value, &length)), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(answer(::setsockopt(second, SOL_NETLINK, 99, &on, sizeof on)), -ENOPROTOOPT);
  EXPECT_EQ(answer(::setsockopt(second, SOL_IP, 1, &on, sizeof on)), -ENOPROTOOPT);
  EXPECT_EQ(poll_now(second, POLLIN | POLLOUT), POLLOUT);
}

}  // namespace
}  // namespace conformance
