// What every option of every kind of Internet socket answers to right and wrong lengths, values and pointers.
//
// answers.inc is Linux 6.18's, printed by this test with LXNET_PRINT_ANSWERS=1 as root: a row is a signature and the kinds, level
// and options that have it. Options whose answer is the machine's (its buffer limits, interfaces, security modules) are left out.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>

#include "tests/conformance/options/tools.hh"

namespace conformance {
namespace {

struct Kind {
  const char* name;
  int family, type, protocol;
};
constexpr Kind kKinds[] = {
    {"tcp4", AF_INET, SOCK_STREAM, 0}, {"udp4", AF_INET, SOCK_DGRAM, 0},   {"raw4", AF_INET, SOCK_RAW, 253},
    {"icmp4", AF_INET, SOCK_RAW, 1},   {"tcp6", AF_INET6, SOCK_STREAM, 0}, {"udp6", AF_INET6, SOCK_DGRAM, 0},
    {"raw6", AF_INET6, SOCK_RAW, 253}, {"icmp6", AF_INET6, SOCK_RAW, 58},
};

struct Level {
  int number, last_option;
  std::vector<int> left_out;
};
const Level kLevels[] = {
    {SOL_SOCKET, 90, {SO_SNDBUF, SO_RCVBUF, 31, SO_SNDBUFFORCE, SO_RCVBUFFORCE, 34, SO_RCVLOWAT, SO_MEMINFO, SO_COOKIE, 71}},
    {IPPROTO_IP, 60, {16, 17, 35, 36, 50}},
    {IPPROTO_IPV6, 79, {17, 27, 28, 32, 34, 35, 57, 64, 65, 68, 69, 76}},
    {IPPROTO_UDP, 12, {}},
    {IPPROTO_RAW, 12, {}},
    {IPPROTO_ICMPV6, 12, {}},
    {999, 3, {}},
};

std::string code(long result) {
  switch (-result) {
    case EINVAL:
      return "I";
    case EFAULT:
      return "F";
    case ENOPROTOOPT:
      return "N";
    case EOPNOTSUPP:
      return "O";
    case ENOTCONN:
      return "C";
    case EPERM:
      return "P";
    default:
      return result >= 0 ? "+" : "e" + std::to_string(-result);
  }
}

std::string value_after(int fd, int level, int name, int room) {
  unsigned char bytes[64];
  memset(bytes, 0xaa, sizeof bytes);
  int length = room;
  const long result = answer(::syscall(SYS_getsockopt, fd, level, name, bytes, &length));
  if (result < 0) return code(result);
  std::string text = std::to_string(length) + ":";
  for (int i = 0; i < length && i < 8; ++i) {
    char hex[3];
    snprintf(hex, sizeof hex, "%02x", bytes[i]);
    text += hex;
  }
  return text;
}

std::string set_raw(int fd, int level, int name, const void* value, int length) {
  return code(answer(::syscall(SYS_setsockopt, fd, level, name, value, length)));
}

std::string signature(const Kind& kind, int level, int name) {
  const auto fresh = [&] { return Fd(::socket(kind.family, kind.type, kind.protocol)); };
  std::string text = "get ";
  {
    const Fd fd = fresh();
    for (const int room : {0, 1, 4, 40}) text += value_after(fd, level, name, room) + " ";
    text += "set ";
    const char one[64] = {1};
    for (const int length : {0, 1, 3, 4, 8, 16}) text += set_raw(fd, level, name, one, length);
  }
  for (const int value : {-2, -1, 0, 2, 255, 256, 70000}) {
    const Fd fd = fresh();
    const std::string result = set_raw(fd, level, name, &value, sizeof value);
    text += " " + result + (result == "+" ? value_after(fd, level, name, 4) : "");
  }
  const Fd fd = fresh();
  text += " bad " + set_raw(fd, level, name, bad_pointer<void>(), 4) + set_raw(fd, level, name, bad_pointer<void>(), 0) +
          set_raw(fd, level, name, nullptr, 4);
  int length = 4;
  text += code(answer(::syscall(SYS_getsockopt, fd.get(), level, name, bad_pointer<void>(), &length)));
  text += code(answer(::syscall(SYS_getsockopt, fd.get(), level, name, &length, bad_pointer<int>())));
  char room[64];
  length = -1;
  text += code(answer(::syscall(SYS_getsockopt, fd.get(), level, name, room, &length)));
  return text;
}

struct Row {
  const char* kinds;
  int level;
  std::vector<int> options;
  const char* signature;
};
const Row kRows[] = {
#include "tests/conformance/options/answers.inc"
};

void print_rows() {
  std::map<std::pair<int, std::string>, std::map<std::string, std::vector<int>>>
      grouped;  // (level, signature) -> kinds -> options
  for (const Level& level : kLevels) {
    for (int option = 0; option <= level.last_option; ++option) {
      if (std::find(level.left_out.begin(), level.left_out.end(), option) != level.left_out.end()) continue;
      std::map<std::string, std::string> kinds;
      for (const Kind& kind : kKinds) kinds[signature(kind, level.number, option)] += std::string(kind.name) + " ";
      for (const auto& [text, names] : kinds) grouped[{level.number, text}][names].push_back(option);
    }
  }
  for (const auto& [key, by_kinds] : grouped) {
    for (const auto& [kinds, options] : by_kinds) {
      printf("{\"%s\", %d, {", kinds.c_str(), key.first);
      for (size_t i = 0; i < options.size(); ++i) printf("%s%d", i == 0 ? "" : ", ", options[i]);
      printf("}, \"%s\"},\n", key.second.c_str());
    }
  }
}

TEST(AnswersTest, EveryOptionAnswersAsTheTableSays) {
  if (raw_socket(AF_INET, 253).get() < 0) GTEST_SKIP() << "the table is root's";
  if (std::getenv("LXNET_PRINT_ANSWERS") != nullptr) return print_rows();
  utsname machine{};
  ::uname(&machine);
  int major = 0, minor = 0;
  sscanf(machine.release, "%d.%d", &major, &minor);
  if (major < 6 || (major == 6 && minor < 18)) GTEST_SKIP() << "the table is of Linux 6.18";
  for (const Row& row : kRows) {
    for (const Kind& kind : kKinds) {
      if (std::string(row.kinds).find(std::string(kind.name) + " ") == std::string::npos) continue;
      for (const int option : row.options) {
        EXPECT_EQ(signature(kind, row.level, option), row.signature)
            << kind.name << " level " << row.level << " option " << option;
      }
    }
  }
}

}  // namespace
}  // namespace conformance
