// /proc/net and /proc/sys/net as a program sees them.

#include "hosts/linux/proc_file.hh"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string line_with(const std::string& text, const std::string& part) {
  size_t at = text.find(part);
  if (at == std::string::npos) return "";
  size_t begin = text.rfind('\n', at);
  return text.substr(begin + 1, text.find('\n', at) - begin - 1);
}

std::string endpoint(int port) {
  char text[32];
  std::snprintf(text, sizeof text, "0100007F:%04X ", static_cast<unsigned>(port));
  return text;
}

int listener() {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_THAT(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 && ::listen(fd, 7) == 0);
  return fd;
}

ino_t inode_of(int fd) {
  struct stat status = {};
  ::fstat(fd, &status);
  return status.st_ino;
}

TEST(Proc, SocketsAreListedWithWhatTheyWaitFor) {
  expect_same([] {
    int tcp = listener(), udp = bound_socket();
    send_to_port(bound_socket(), port_of(udp), "12345");
    sockaddr_in name = {};
    socklen_t size = sizeof name;
    ::getsockname(tcp, reinterpret_cast<sockaddr*>(&name), &size);
    int client = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK_THAT(::connect(client, reinterpret_cast<sockaddr*>(&name), size) == 0);
    for (std::string path : {"/proc/net/tcp", "/proc/self/net/tcp", "/proc/thread-self/net/tcp"}) {
      std::string line = line_with(text_of(path), endpoint(port_of(tcp)) + "00000000:0000 0A");
      // One connection waits to be accepted.
      CHECK_THAT(has(line, " 0A 00000000:00000001 "));
      CHECK_THAT(line.size() == 149 && has(line, " " + std::to_string(inode_of(tcp)) + " "));
    }
    std::string ours = endpoint(port_of(client)) + endpoint(port_of(tcp)) + "01";
    CHECK_THAT(has(line_with(text_of("/proc/net/tcp"), ours), " " + std::to_string(inode_of(client)) + " "));
    std::string datagrams = line_with(text_of("/proc/net/udp"), endpoint(port_of(udp)));
    CHECK_THAT(datagrams.size() == 127 && has(datagrams, " 07 00000000:") && !has(datagrams, ":00000000 00:"));
    CHECK_THAT(text_of("/proc/net/tcp").find("  sl  local_address rem_address   st tx_queue") == 0);
    CHECK_THAT(text_of("/proc/net/udp").find("   sl  local_address rem_address   st tx_queue") == 0);
    CHECK_THAT(text_of("/proc/net/tcp6").find("  sl  local_address                         remote_address") == 0);
  });
}

TEST(Proc, InterfacesAndCountersAreShown) {
  expect_same([] {
    send_to_port(bound_socket(), port_of(bound_socket()), "x");
    CHECK_THAT(has(text_of("/proc/net/dev"), "    lo: "));
    CHECK_THAT(has(text_of("/proc/net/if_inet6"), "00000000000000000000000000000001 01 80 10 80       lo\n"));
    CHECK_THAT(has(text_of("/proc/net/snmp"), "\nUdp: InDatagrams NoPorts InErrors OutDatagrams "));
    CHECK_THAT(has(text_of("/proc/net/netstat"), "TcpExt: SyncookiesSent "));
    CHECK_THAT(has(text_of("/proc/net/sockstat"), "UDP: inuse "));
  });
}

TEST(Proc, ItIsTheStacksOwnNetwork) {
  EXPECT_EQ(run_on_lxnet([] {
              // Two header lines and lo.
              std::string interfaces = text_of("/proc/net/dev");
              CHECK_THAT(std::count(interfaces.begin(), interfaces.end(), '\n') == 3);
              CHECK_THAT(::open("/proc/net/fib_trie", O_RDONLY) == -1 && errno == ENOENT);
              // What is left to the host kernel shows as it is there.
              CHECK_THAT(has(text_of("/proc/net/netlink"), "sk "));
            }),
            0);
}

TEST(Proc, TunablesAreReadAndWritten) {
  EXPECT_EQ(run_on_lxnet([] {
              const char* path = "/proc/sys/net/core/somaxconn";
              CHECK_THAT(text_of(path) == "4096\n");
              int fd = ::open(path, O_WRONLY | O_TRUNC);
              CHECK_THAT(::write(fd, "123\n", 4) == 4 && ::close(fd) == 0);
              CHECK_THAT(text_of(path) == "123\n");
              fd = ::open(path, O_RDWR | O_CLOEXEC);
              char text[8] = {};
              CHECK_THAT(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
              CHECK_THAT(::read(fd, text, sizeof text) == 4 && std::string(text) == "123\n" && ::read(fd, text, 1) == 0);
              CHECK_THAT(::close(fd) == 0 && (fd = ::open(path, O_WRONLY)) >= 0);
              CHECK_THAT(::write(fd, "many", 4) == -1 && errno == EINVAL);
              CHECK_THAT(::syscall(SYS_write, fd, 8, 4) == -1 && errno == EFAULT);
              CHECK_THAT(::send(fd, "1", 1, 0) == -1 && errno == ENOTSOCK);
              ::close(fd);
              CHECK_THAT(::open("/proc/sys/net/core/none", O_RDONLY) == -1 && errno == ENOENT);
              CHECK_THAT(::open(path, O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
              CHECK_THAT(::open("/proc/sys/net/ipv4", O_RDONLY | O_DIRECTORY) >= 0);
              // The shell's way, in a child.
              CHECK_THAT(std::system("echo 77 > /proc/sys/net/ipv4/ip_default_ttl") == 0);
              CHECK_THAT(text_of("/proc/sys/net/ipv4/ip_default_ttl") == "77\n");
            }),
            0);
  // The host's are what they were.
  EXPECT_NE(text_of("/proc/sys/net/ipv4/ip_default_ttl"), "77\n");
}

TEST(Proc, OtherFilesAreTheKernels) {
  expect_same([] {
    CHECK_THAT(has(text_of("/proc/self/status"), "Tgid:"));
    CHECK_THAT(::open("/proc/nothing", O_RDONLY) == -1 && errno == ENOENT);
    CHECK_THAT(::open(reinterpret_cast<char*>(8), O_RDONLY) == -1 && errno == EFAULT);
    CHECK_THAT(::open("", O_RDONLY) == -1 && errno == ENOENT);
    CHECK_THAT(::open(std::string(5000, 'x').c_str(), O_RDONLY) == -1 && errno == ENAMETOOLONG);
  });
}

TEST(Proc, PathsAreRecognised) {
  auto name = [](const char* path) { return host::parse_proc_path(path).name; };
  EXPECT_EQ(name("/proc/net/tcp"), "tcp");
  EXPECT_EQ(name("/proc/self/net/udp6"), "udp6");
  EXPECT_EQ(name("/proc/12/net/dev"), "dev");
  EXPECT_EQ(name("/proc/12/task/13/net/dev"), "dev");
  EXPECT_EQ(name("/proc/sys/net/ipv4/conf/all/forwarding"), "net.ipv4.conf.all.forwarding");
  EXPECT_EQ(name("/proc/crypto"), "crypto");
  for (const char* other : {"/proc/", "/proc/crypto/", "/proc/crypt", "/proc/net", "/proc/net/", "/proc/net/stat/x",
                            "/proc/12net/dev", "/proc/12/task/net/dev", "/proc/sys/net/", "/proc/sys/net/ipv4/",
                            "/proc/sys/kernel/hostname", "/proc/sys/net/unix/max_dgram_qlen", "proc/net/tcp", ""}) {
    EXPECT_EQ(name(other), "") << other;
  }
}

}  // namespace
}  // namespace lxnet::test
