// sendmsg() and recvmsg(): the input is a header's lengths and flags, a name, control messages and payload. What is read back
// lies within the room that was given, and says so.
#include "fuzz/support/calls.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

constexpr uint8_t kUntouched = 0xa5;

void receive(int fd, Input& input) {
  const size_t control_room = input.take<uint8_t>();
  std::vector<uint8_t> control(control_room + 64, kUntouched);
  std::vector<uint8_t> payload(input.take<uint8_t>());
  uint8_t name[128 + 16];
  memset(name, kUntouched, sizeof name);
  iovec piece{payload.data(), payload.size()};
  msghdr message{};
  message.msg_name = name;
  message.msg_namelen = input.take<uint8_t>() % 129;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control_room;
  const socklen_t name_room = message.msg_namelen;
  const int64_t size = host().call(SYS_recvmsg, fd, &message, input.take<uint32_t>() | MSG_DONTWAIT);
  for (size_t i = control_room; i < control.size(); ++i) check(control[i] == kUntouched);
  for (size_t i = name_room; i < sizeof name; ++i) check(name[i] == kUntouched);
  if (size < 0) return;
  check(message.msg_controllen <= control_room);
  // Every message in it is whole, or the last one is cut and the flag says so.
  for (size_t at = 0; at < message.msg_controllen;) {
    check(message.msg_controllen - at >= sizeof(cmsghdr));
    cmsghdr header;
    memcpy(&header, control.data() + at, sizeof header);
    check(header.cmsg_len >= sizeof header && header.cmsg_len <= message.msg_controllen - at);
    at += CMSG_ALIGN(header.cmsg_len);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const FuzzedSocket socket(input.take<uint8_t>());
  // Every cmsg there is, when asked.
  if (input.take<uint8_t>() % 2 == 0) {
    const int on = 1;
    for (int option :
         {8 /* IP_PKTINFO */, 12 /* IP_RECVTTL */, 13 /* IP_RECVTOS */, 20 /* IP_ORIGDSTADDR */, 11 /* IP_RECVERR */})
      host().call(SYS_setsockopt, socket.fd(), 0, option, &on, sizeof on);
    for (int option : {49 /* IPV6_RECVPKTINFO */, 51 /* IPV6_RECVHOPLIMIT */, 66 /* IPV6_RECVTCLASS */, 25 /* IPV6_RECVERR */})
      host().call(SYS_setsockopt, socket.fd(), 41, option, &on, sizeof on);
  }
  std::vector<uint8_t> name = input.take_bytes(input.take<uint8_t>() % 129);
  std::vector<uint8_t> control = input.take_bytes(input.take<uint8_t>());
  const uint32_t flags = input.take<uint32_t>() | MSG_DONTWAIT | MSG_NOSIGNAL;
  std::vector<uint8_t> payload = input.take_bytes(input.take<uint8_t>());
  iovec piece{payload.data(), payload.size()};
  msghdr message{};
  message.msg_name = name.empty() ? nullptr : name.data();
  message.msg_namelen = static_cast<socklen_t>(name.size());
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const int64_t sent = host().call(SYS_sendmsg, socket.fd(), &message, flags);
  check(sent <= static_cast<int64_t>(payload.size()));
  receive(socket.fd(), input);
  return 0;
}
