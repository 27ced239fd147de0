// Socket addresses of any bytes and lengths in bind(), connect() and sendto(), and their way back out.
#include "fuzz/support/calls.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

constexpr uint8_t kUntouched = 0xa5;

void read_name(long call, int fd, size_t room) {
  uint8_t name[128 + 16];
  memset(name, kUntouched, sizeof name);
  auto length = static_cast<socklen_t>(room);
  const int64_t result = host().call(call, fd, name, &length);
  for (size_t i = room; i < sizeof name; ++i) check(name[i] == kUntouched);
  if (result == 0) check(length == 16 || length == 28);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const FuzzedSocket socket(input.take<uint8_t>());
  for (int i = 0; i < 16 && input.left() != 0; ++i) {
    const auto which = input.take<uint8_t>();
    std::vector<uint8_t> name = input.take_bytes(which / 8 * 5);
    // Mostly of a family that is looked into.
    if (name.size() >= 2 && which % 2 == 0) name[0] = which % 4 == 0 ? AF_INET : AF_INET6, name[1] = 0;
    switch (which % 8) {
      case 0:
      case 1:
        host().call(SYS_bind, socket.fd(), name.data(), name.size());
        break;
      case 2:
      case 3:
      case 4:
        host().call(SYS_connect, socket.fd(), name.data(), name.size());
        break;
      case 5:
      case 6:
        host().call(SYS_sendto, socket.fd(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, name.data(), name.size());
        break;
      default:
        read_name(SYS_getsockname, socket.fd(), which / 2);
        read_name(SYS_getpeername, socket.fd(), which / 2);
    }
  }
  return 0;
}
