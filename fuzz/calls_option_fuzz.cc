// setsockopt() and getsockopt(): the input is a list of levels, numbers and values. What is read never passes the length that was
// given, and the length that comes back never says more than was written.
#include "fuzz/support/calls.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

constexpr uint8_t kUntouched = 0xa5;
constexpr int kLevels[] = {SOL_SOCKET, 0, 41, 6, 17, 255, 58, 136};

void set(int fd, int level, int name, Input& input) {
  std::vector<uint8_t> value = input.take_bytes(input.take<uint8_t>());
  // Their values point on, and a wild pointer is this process's own here; bpf_fuzz reads programs.
  if (level == SOL_SOCKET && (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF)) return;
  host().call(SYS_setsockopt, fd, level, name, value.data(), value.size());
}

void get(int fd, int level, int name, Input& input) {
  const size_t room = input.take<uint8_t>();
  std::vector<uint8_t> value(room + 64, kUntouched);
  auto length = static_cast<socklen_t>(room);
  host().call(SYS_getsockopt, fd, level, name, value.data(), &length);
  for (size_t i = room; i < value.size(); ++i) check(value[i] == kUntouched);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const FuzzedSocket socket(input.take<uint8_t>());
  for (int i = 0; i < 32 && input.left() != 0; ++i) {
    const auto which = input.take<uint8_t>();
    const int level = kLevels[which % 8];
    const int name = input.take<uint8_t>();
    if ((which & 8) != 0) {
      set(socket.fd(), level, name, input);
    } else {
      get(socket.fd(), level, name, input);
    }
  }
  return 0;
}
