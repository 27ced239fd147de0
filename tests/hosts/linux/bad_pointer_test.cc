// Every pointer of every call, bad in every way, one at a time: Linux says what the answer is.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

constexpr size_t kPage = 4096;

// Good memory for each pointer of a call, and sockets that have something to give.
struct Scene {
  int udp, listener, client, server, epoll, pipe[2], file;
  sockaddr_in name = {};

  Scene() {
    udp = bound_socket(SOCK_NONBLOCK);
    socklen_t size = sizeof name;
    ::getsockname(udp, reinterpret_cast<sockaddr*>(&name), &size);
    listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof any);
    ::listen(listener, 5);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&any), &size);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    ::connect(client, reinterpret_cast<sockaddr*>(&any), sizeof any);
    server = ::accept(listener, nullptr, nullptr);
    ::fcntl(client, F_SETFL, O_NONBLOCK);
    ::fcntl(server, F_SETFL, O_NONBLOCK);
    ::connect(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&any), sizeof any);  // for accept()
    epoll = ::epoll_create1(0);
    epoll_event event = {.events = EPOLLOUT, .data = {}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, udp, &event);
    CHECK_THAT(::pipe(pipe) == 0);
    file = ::open("/etc/passwd", O_RDONLY);
    CHECK_THAT(::send(server, "to read", 7, 0) == 7);
    send_to_port(udp, ntohs(name.sin_port), "datagram");
  }
  ~Scene() {
    for (int fd = 3; fd < 32; fd++) ::close(fd);
  }
};

// One page that holds whatever a call points to: an address and its length, a message whose one vector is good, a time.
struct Memory {
  sockaddr_in name;
  socklen_t length;
  int number;
  iovec vector;
  msghdr message;
  mmsghdr messages[1];
  pollfd polled;
  fd_set set;
  timespec time;
  epoll_event event;
  struct {
    int type, id;
  } owner;
  loff_t offset;
  char bytes[64];
};

void fill(Memory& memory, const Scene& scene) {
  memory = {};
  memory.name = scene.name;
  memory.length = sizeof memory.name;
  memory.number = 1;
  memory.vector = {memory.bytes, 4};
  memory.message.msg_iov = &memory.vector;
  memory.message.msg_iovlen = 1;
  memory.messages[0].msg_hdr = memory.message;
  memory.polled = {scene.udp, POLLOUT, 0};
  FD_SET(scene.udp, &memory.set);
  memory.event = {.events = EPOLLIN, .data = {}};
  memory.owner = {1, ::getpid()};
}

struct Row {
  const char* name;
  long number;
  std::vector<long> arguments;
  std::vector<int> pointers;  // which of them
};

long at(void* pointer) { return reinterpret_cast<long>(pointer); }

std::vector<Row> rows_of(const Scene& scene, Memory& m) {
  const long dont_wait = MSG_DONTWAIT | MSG_NOSIGNAL;
  return {
      {"bind", SYS_bind, {scene.listener, at(&m.name), sizeof m.name}, {1}},
      {"connect", SYS_connect, {scene.udp, at(&m.name), sizeof m.name}, {1}},
      {"accept", SYS_accept, {scene.listener, at(&m.name), at(&m.length)}, {1, 2}},
      {"accept4", SYS_accept4, {scene.listener, at(&m.name), at(&m.length), SOCK_CLOEXEC}, {1, 2}},
      {"getsockname", SYS_getsockname, {scene.udp, at(&m.name), at(&m.length)}, {1, 2}},
      {"getpeername", SYS_getpeername, {scene.client, at(&m.name), at(&m.length)}, {1, 2}},
      {"setsockopt", SYS_setsockopt, {scene.udp, SOL_SOCKET, SO_BROADCAST, at(&m.number), sizeof m.number}, {3}},
      {"getsockopt", SYS_getsockopt, {scene.udp, SOL_SOCKET, SO_TYPE, at(&m.number), at(&m.length)}, {3, 4}},
      {"sendto", SYS_sendto, {scene.udp, at(m.bytes), 4, dont_wait, at(&m.name), sizeof m.name}, {1, 4}},
      {"send", SYS_sendto, {scene.client, at(m.bytes), 4, dont_wait, 0, 0}, {1}},
      {"recvfrom", SYS_recvfrom, {scene.udp, at(m.bytes), 4, dont_wait, at(&m.name), at(&m.length)}, {1, 4, 5}},
      {"recv", SYS_recvfrom, {scene.client, at(m.bytes), 4, dont_wait, 0, 0}, {1}},
      {"sendmsg", SYS_sendmsg, {scene.client, at(&m.message), dont_wait}, {1}},
      {"recvmsg", SYS_recvmsg, {scene.client, at(&m.message), dont_wait}, {1}},
      {"sendmmsg", SYS_sendmmsg, {scene.client, at(&m.messages), 1, dont_wait}, {1}},
      {"recvmmsg", SYS_recvmmsg, {scene.client, at(&m.messages), 1, dont_wait, at(&m.time)}, {1, 4}},
      {"read", SYS_read, {scene.client, at(m.bytes), 4}, {1}},
      {"write", SYS_write, {scene.client, at(m.bytes), 4}, {1}},
      {"readv", SYS_readv, {scene.client, at(&m.vector), 1}, {1}},
      {"writev", SYS_writev, {scene.client, at(&m.vector), 1}, {1}},
      {"poll", SYS_poll, {at(&m.polled), 1, 0}, {0}},
      {"ppoll", SYS_ppoll, {at(&m.polled), 1, at(&m.time), 0, 8}, {0, 2}},
      {"select", SYS_select, {scene.udp + 1, 0, at(&m.set), 0, at(&m.time)}, {2, 4}},
      {"pselect6", SYS_pselect6, {scene.udp + 1, 0, at(&m.set), 0, at(&m.time), 0}, {2, 4}},
      {"epoll_ctl", SYS_epoll_ctl, {scene.epoll, EPOLL_CTL_ADD, scene.client, at(&m.event)}, {3}},
      {"epoll_wait", SYS_epoll_wait, {scene.epoll, at(&m.event), 1, 0}, {1}},
      {"epoll_pwait2", SYS_epoll_pwait2, {scene.epoll, at(&m.event), 1, at(&m.time), 0, 8}, {1, 3}},
      {"FIONREAD", SYS_ioctl, {scene.client, FIONREAD, at(&m.number)}, {2}},
      {"FIONBIO", SYS_ioctl, {scene.client, FIONBIO, at(&m.number)}, {2}},
      {"SIOCGIFFLAGS", SYS_ioctl, {scene.udp, 0x8913, at(m.bytes)}, {2}},
      {"SIOCGIFCONF", SYS_ioctl, {scene.udp, 0x8912, at(m.bytes)}, {2}},
      {"F_GETOWN_EX", SYS_fcntl, {scene.udp, 16, at(&m.owner)}, {2}},
      {"F_SETOWN_EX", SYS_fcntl, {scene.udp, 15, at(&m.owner)}, {2}},
      {"sendfile", SYS_sendfile, {scene.client, scene.file, at(&m.offset), 4}, {2}},
  };
}

// Where a pointer may lead: nowhere, into the kernel, to what may only be read, and off the end of good memory.
std::vector<long> bad_pointers() {
  auto* pages = static_cast<char*>(::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::mprotect(pages + kPage, kPage, PROT_NONE);
  ::mprotect(pages + 2 * kPage, kPage, PROT_READ);
  return {8, -1, static_cast<long>(0xffff'8880'0000'0000ul), at(pages + 2 * kPage), at(pages + kPage - 2), at(pages + kPage)};
}

void write_answers(int to) {
  auto* memory = static_cast<Memory*>(::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const std::vector<long> bad = bad_pointers();
  for (size_t row = 0;; row++) {
    size_t pointers = 1;
    for (size_t which = 0; which < pointers; which++) {
      for (size_t kind = 0; kind < bad.size(); kind++) {
        Scene scene;
        fill(*memory, scene);
        const std::vector<Row> rows = rows_of(scene, *memory);
        if (row == rows.size()) return;
        pointers = rows[row].pointers.size();
        long a[6] = {};
        std::copy(rows[row].arguments.begin(), rows[row].arguments.end(), a);
        a[rows[row].pointers[which]] = bad[kind];
        long result = ::syscall(rows[row].number, a[0], a[1], a[2], a[3], a[4], a[5]);
        ::dprintf(to, "%s, argument %d, pointer %zu: %ld %s\n", rows[row].name, rows[row].pointers[which], kind, result,
                  result < 0 ? strerrorname_np(errno) : "");
      }
    }
  }
}

std::string answers_of(int (*run)(const std::function<void()>&)) {
  char path[] = "/tmp/lxnet-answers-XXXXXX";
  // Far from the numbers that the scenes use and close.
  int file = ::mkstemp(path), far = ::fcntl(file, F_DUPFD, 100);
  ::unlink(path);
  EXPECT_EQ(run([far] { write_answers(far); }), 0);
  std::string text(static_cast<size_t>(::lseek(far, 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(far, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  ::close(far);
  ::close(file);
  return text;
}

TEST(BadPointers, AreAnsweredAsLinuxAnswersThem) {
  const std::string expected = answers_of([](const std::function<void()>& program) { return run_natively(program); });
  const std::string got = answers_of([](const std::function<void()>& program) { return run_on_lxnet(program); });
  EXPECT_GT(std::count(expected.begin(), expected.end(), '\n'), 200);
  size_t line = 0;
  for (size_t a = 0, b = 0; a < expected.size() && b < got.size(); line++) {
    std::string one = expected.substr(a, expected.find('\n', a) - a), other = got.substr(b, got.find('\n', b) - b);
    EXPECT_EQ(one, other) << "Linux first";
    a += one.size() + 1;
    b += other.size() + 1;
  }
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), std::count(got.begin(), got.end(), '\n'));
}

}  // namespace
}  // namespace lxnet::test
