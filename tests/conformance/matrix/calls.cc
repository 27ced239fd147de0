#include "tests/conformance/matrix/calls.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cstdio>

namespace conformance {
namespace {

volatile sig_atomic_t broken_pipes;
void on_broken_pipe(int) { broken_pipes = broken_pipes + 1; }

std::string number(long value) {
  if (value >= 0) return std::to_string(value);
  const char* name = strerrorname_np(static_cast<int>(-value));
  return name != nullptr ? name : std::to_string(value);
}

std::string hex(unsigned value) {
  char text[16];
  snprintf(text, sizeof text, "%x", value);
  return text;
}

// Bytes that came, as they are where they are text, but for headers.
std::string quoted(const Subject& subject, const char* bytes, ssize_t size) {
  std::string text = " '";
  for (ssize_t i = subject.own_bytes; i < size; ++i) {
    text += bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.';
  }
  return text + "'";
}

// -------------------------------------------------------------------------------------------------------------
// names and states

std::string bind_any(Subject& subject) {
  const Name name = loopback(subject.family, 0);
  return told(::bind(subject.socket, name.get(), name.length));
}
std::string bind_short(Subject& subject) {
  const Name name = loopback(subject.family, 0);
  return told(::bind(subject.socket, name.get(), 1));
}
std::string bind_other_family(Subject& subject) {
  const Name name = loopback(subject.family == AF_INET ? AF_INET6 : AF_INET, 0);
  return told(::bind(subject.socket, name.get(), name.length));
}
std::string bind_foreign(Subject& subject) {
  Name name = loopback(subject.family, 0);
  if (subject.family == AF_INET) reinterpret_cast<sockaddr_in*>(&name.bytes)->sin_addr.s_addr = htonl(0x0a090807);
  if (subject.family == AF_INET6) inet_pton(AF_INET6, "2001:db8::1", &reinterpret_cast<sockaddr_in6*>(&name.bytes)->sin6_addr);
  if (subject.family == AF_UNIX) return "no such thing";
  return told(::bind(subject.socket, name.get(), name.length));
}
std::string bind_null(Subject& subject) { return told(::bind(subject.socket, nullptr, 16)); }

// A listener or receiver that is there.
std::string connect_somebody(Subject& subject) {
  const Fd other(::socket(subject.family,
                          subject.family == AF_UNIX     ? subject.type
                          : subject.type == SOCK_STREAM ? SOCK_STREAM
                                                        : SOCK_DGRAM,
                          0));
  const Name any = loopback(subject.family, 0);
  ::bind(other, any.get(), any.length);
  if (subject.type == SOCK_STREAM || subject.type == SOCK_SEQPACKET) ::listen(other, 1);
  const Name name = own_name(other);
  return told(::connect(subject.socket, name.get(), name.length));
}
std::string connect_nobody(Subject& subject) {
  const Name name = loopback(subject.family, 1);
  return told(::connect(subject.socket, name.get(), name.length));
}
std::string connect_self(Subject& subject) {
  const Name name = own_name(subject.socket);
  return told(::connect(subject.socket, name.get(), name.length));
}
std::string connect_unspecified(Subject& subject) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return told(::connect(subject.socket, &nobody, sizeof nobody));
}
std::string connect_short(Subject& subject) {
  const Name name = loopback(subject.family, 1);
  return told(::connect(subject.socket, name.get(), 3));
}
std::string connect_other_family(Subject& subject) {
  const Name name = loopback(subject.family == AF_INET ? AF_INET6 : AF_INET, 1);
  return told(::connect(subject.socket, name.get(), name.length));
}
std::string connect_twice(Subject& subject) {
  const std::string first = connect_somebody(subject);
  return first + ", " + connect_nobody(subject);
}

std::string listen_five(Subject& subject) { return told(::listen(subject.socket, 5)); }
std::string accept_plain(Subject& subject) {
  const int fd = ::accept(subject.socket, nullptr, nullptr);
  const Fd child(fd);
  return fd < 0 ? told(fd) : "a socket";
}
std::string accept_bad_flags(Subject& subject) { return told(::accept4(subject.socket, nullptr, nullptr, 1)); }
std::string accept_bad_length(Subject& subject) {
  sockaddr_storage bytes;
  socklen_t length = static_cast<socklen_t>(-1);
  return told(::accept(subject.socket, reinterpret_cast<sockaddr*>(&bytes), &length));
}

template <auto kFunction>
std::string name_by(Subject& subject) {
  sockaddr_storage bytes{};
  socklen_t length = sizeof bytes;
  std::string text = told(kFunction(subject.socket, reinterpret_cast<sockaddr*>(&bytes), &length));
  if (text != "0") return text;
  text += " family " + std::to_string(bytes.ss_family) + " length " +
          std::to_string(bytes.ss_family == AF_UNIX && length > 2 ? 3 : length);
  if (bytes.ss_family == AF_INET || bytes.ss_family == AF_INET6) {
    char host[INET6_ADDRSTRLEN];
    const void* address = bytes.ss_family == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&bytes)->sin_addr)
                                                     : static_cast<void*>(&reinterpret_cast<sockaddr_in6*>(&bytes)->sin6_addr);
    text += std::string(" ") + inet_ntop(bytes.ss_family, address, host, sizeof host);
    text += reinterpret_cast<sockaddr_in*>(&bytes)->sin_port != 0 ? " with a port" : " without a port";
  }
  return text;
}
template <auto kFunction>
std::string name_short(Subject& subject) {
  uint8_t bytes[8] = {};
  socklen_t length = 2;
  const std::string text = told(kFunction(subject.socket, reinterpret_cast<sockaddr*>(bytes), &length));
  return text + " length " + std::to_string(subject.family == AF_UNIX && length > 2 && length < 128 ? 3 : length) + " then " +
         std::to_string(bytes[2]);
}

template <int kHow>
std::string shutdown_how(Subject& subject) {
  return told(::shutdown(subject.socket, kHow));
}

// ----------------------------------------------------------------------------------------------------------------------
// sending

template <int kFlags>
std::string send_one(Subject& subject) {
  return told(::send(subject.socket, "x", 1, kFlags));
}
std::string send_nothing(Subject& subject) { return told(::send(subject.socket, "", 0, 0)); }
std::string send_bad(Subject& subject) { return told(::send(subject.socket, bad_pointer(), 1, 0)); }
std::string send_ping(Subject& subject) {
  const char request[8] = {static_cast<char>(subject.family == AF_INET ? 8 : 128), 0, 0, 0, 0, 0, 0, 1};
  return told(::send(subject.socket, request, sizeof request, 0));
}
std::string send_to_somebody(Subject& subject) {
  const Fd other(::socket(subject.family, subject.family == AF_UNIX ? subject.type : SOCK_DGRAM, 0));
  const Name any = loopback(subject.family, 0);
  ::bind(other, any.get(), any.length);
  const Name name = own_name(other);
  return told(::sendto(subject.socket, "x", 1, 0, name.get(), name.length));
}
std::string send_to_port_zero(Subject& subject) {
  const Name name = loopback(subject.family, 0);
  return told(::sendto(subject.socket, "x", 1, 0, name.get(), name.length));
}
std::string send_to_short(Subject& subject) {
  const Name name = loopback(subject.family, 9);
  return told(::sendto(subject.socket, "x", 1, 0, name.get(), 3));
}
std::string send_to_other_family(Subject& subject) {
  const Name name = loopback(subject.family == AF_INET ? AF_INET6 : AF_INET, 9);
  return told(::sendto(subject.socket, "x", 1, 0, name.get(), name.length));
}
std::string send_to_unspecified(Subject& subject) {
  sockaddr_storage nobody{};
  return told(::sendto(subject.socket, "x", 1, 0, reinterpret_cast<sockaddr*>(&nobody), 28));
}
std::string send_too_long(Subject& subject) {
  static char bytes[70000];
  if (subject.type == SOCK_STREAM || subject.family == AF_UNIX) return "no such thing";
  return told(::send(subject.socket, bytes, sizeof bytes, 0));
}
std::string send_message(Subject& subject) {
  iovec pieces[2] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cd"), 2}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  return told(::sendmsg(subject.socket, &message, 0));
}
std::string send_bad_control(Subject& subject) {
  iovec piece{const_cast<char*>("ab"), 2};
  alignas(cmsghdr) char control[24] = {};
  reinterpret_cast<cmsghdr*>(control)->cmsg_len = 100;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return told(::sendmsg(subject.socket, &message, 0));
}
std::string send_unknown_control(Subject& subject) {
  iovec piece{const_cast<char*>("ab"), 2};
  alignas(cmsghdr) char control[24] = {};
  *reinterpret_cast<cmsghdr*>(control) = {20, SOL_SOCKET, 9999};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return told(::sendmsg(subject.socket, &message, 0));
}
std::string send_two_messages(Subject& subject) {
  iovec piece{const_cast<char*>("ab"), 2};
  mmsghdr messages[2] = {};
  for (mmsghdr& message : messages) {
    message.msg_hdr.msg_iov = &piece;
    message.msg_hdr.msg_iovlen = 1;
  }
  return told(::sendmmsg(subject.socket, messages, 2, 0));
}
std::string write_one(Subject& subject) { return told(::write(subject.socket, "x", 1)); }
std::string write_nothing(Subject& subject) { return told(::write(subject.socket, "", 0)); }
std::string writev_nothing(Subject& subject) { return told(::writev(subject.socket, nullptr, 0)); }
std::string pwrite_one(Subject& subject) { return told(::pwrite(subject.socket, "x", 1, 0)); }
// --------------------------------------------------------------------------------------------------------------------
// receiving

template <int kFlags, size_t kSize>
std::string receive(Subject& subject) {
  char bytes[64] = {};
  const ssize_t size = ::recv(subject.socket, bytes, kSize, kFlags);
  std::string text = told(size);
  if (size > 0) text += quoted(subject, bytes, size < static_cast<ssize_t>(kSize) ? size : static_cast<ssize_t>(kSize));
  return text;
}
std::string receive_twice(Subject& subject) {
  const std::string first = receive<0, 32>(subject);
  return first + ", " + receive<0, 32>(subject);
}
std::string receive_bad(Subject& subject) { return told(::recv(subject.socket, bad_pointer(), 4, 0)); }
std::string read_some(Subject& subject) {
  char bytes[64] = {};
  const ssize_t size = ::read(subject.socket, bytes, 4);
  return told(size) + (size > 0 ? quoted(subject, bytes, size) : "");
}
std::string read_nothing(Subject& subject) { return told(::read(subject.socket, bad_pointer(), 0)); }
std::string pread_one(Subject& subject) {
  char byte;
  return told(::pread(subject.socket, &byte, 1, 0));
}
template <int kFlags>
std::string receive_message(Subject& subject) {
  char bytes[4] = {};
  alignas(cmsghdr) char control[512];
  iovec piece{bytes, sizeof bytes};
  sockaddr_storage from{};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(subject.socket, &message, kFlags);
  std::string text = told(size);
  if (size < 0) return text;
  text += quoted(subject, bytes, size < 4 ? size : 4) + " name " + std::to_string(message.msg_namelen) + " flags " +
          hex(static_cast<unsigned>(message.msg_flags));
  for (cmsghdr* cmsg = CMSG_FIRSTHDR(&message); cmsg != nullptr; cmsg = CMSG_NXTHDR(&message, cmsg)) {
    text += " cmsg " + std::to_string(cmsg->cmsg_level) + ":" + std::to_string(cmsg->cmsg_type) + "/" +
            std::to_string(cmsg->cmsg_len);
  }
  return text;
}
std::string receive_two_messages(Subject& subject) {
  char bytes[2][8] = {};
  iovec pieces[2] = {{bytes[0], 8}, {bytes[1], 8}};
  mmsghdr messages[2] = {};
  for (int i = 0; i < 2; ++i) {
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(subject.socket, messages, 2, 0, nullptr);
  return told(count) + " " + std::to_string(messages[0].msg_len) + " " + std::to_string(messages[1].msg_len);
}

// -----------------------------------------------------------------------------------------------------------
// options and control

template <int kLevel, int kName>
std::string option(Subject& subject) {
  int value = -77;
  socklen_t length = sizeof value;
  const std::string text = told(::getsockopt(subject.socket, kLevel, kName, &value, &length));
  return text == "0" ? std::to_string(value) + " length " + std::to_string(length) : text;
}
std::string option_peer_name(Subject& subject) {
  sockaddr_storage name;
  socklen_t length = 16;
  return told(::getsockopt(subject.socket, SOL_SOCKET, 28 /* SO_PEERNAME */, &name, &length));
}
template <int kLevel, int kName>
std::string set_option(Subject& subject) {
  const int on = 1;
  return told(::setsockopt(subject.socket, kLevel, kName, &on, sizeof on));
}
template <unsigned long kRequest>
std::string control(Subject& subject) {
  int value = -77;
  const std::string text = told(::ioctl(subject.socket, kRequest, &value));
  return text == "0" ? std::to_string(value) : text;
}
std::string get_flags(Subject& subject) { return hex(static_cast<unsigned>(::fcntl(subject.socket, F_GETFL))); }
std::string seek(Subject& subject) { return told(::lseek(subject.socket, 0, SEEK_SET)); }

const std::vector<Call> kCalls{
    {"bind", bind_any},
    {"bind short", bind_short},
    {"bind another family's name", bind_other_family},
    {"bind a foreign address", bind_foreign},
    {"bind null", bind_null},
    {"connect to somebody", connect_somebody},
    {"connect to nobody", connect_nobody},
    {"connect to itself", connect_self},
    {"connect AF_UNSPEC", connect_unspecified},
    {"connect short", connect_short},
    {"connect another family's name", connect_other_family},
    {"connect twice", connect_twice},
    {"listen", listen_five},
    {"accept", accept_plain},
    {"accept4 bad flags", accept_bad_flags},
    {"accept bad length", accept_bad_length},
    {"getsockname", name_by<::getsockname>},
    {"getpeername", name_by<::getpeername>},
    {"getsockname cut", name_short<::getsockname>},
    {"getpeername cut", name_short<::getpeername>},
    {"shutdown SHUT_RD", shutdown_how<SHUT_RD>},
    {"shutdown SHUT_WR", shutdown_how<SHUT_WR>},
    {"shutdown SHUT_RDWR", shutdown_how<SHUT_RDWR>},
    {"shutdown 3", shutdown_how<3>},
    {"send", send_one<0>},
    {"send MSG_NOSIGNAL", send_one<MSG_NOSIGNAL>},
    {"send MSG_OOB", send_one<MSG_OOB>},
    {"send MSG_EOR", send_one<MSG_EOR>},
    {"send MSG_DONTROUTE", send_one<MSG_DONTROUTE>},
    {"send MSG_ERRQUEUE", send_one<MSG_ERRQUEUE>},
    {"send nothing", send_nothing},
    {"send from a bad pointer", send_bad},
    {"send an echo request", send_ping},
    {"sendto somebody", send_to_somebody},
    {"sendto port 0", send_to_port_zero},
    {"sendto short", send_to_short},
    {"sendto another family's name", send_to_other_family},
    {"sendto AF_UNSPEC", send_to_unspecified},
    {"send too long", send_too_long},
    {"sendmsg", send_message},
    {"sendmsg, malformed control message", send_bad_control},
    {"sendmsg, unknown control message", send_unknown_control},
    {"sendmmsg", send_two_messages},
    {"write", write_one},
    {"write nothing", write_nothing},
    {"writev nothing", writev_nothing},
    {"pwrite", pwrite_one},
    {"recv", receive<0, 32>},
    {"recv little", receive<0, 2>},
    {"recv nothing", receive<0, 0>},
    {"recv MSG_PEEK", receive<MSG_PEEK, 32>},
    {"recv MSG_PEEK MSG_TRUNC", receive<MSG_PEEK | MSG_TRUNC, 2>},
    {"recv MSG_TRUNC", receive<MSG_TRUNC, 2>},
    {"recv MSG_OOB", receive<MSG_OOB, 4>},
    {"recv MSG_OOB MSG_PEEK", receive<MSG_OOB | MSG_PEEK, 4>},
    {"recv MSG_ERRQUEUE", receive<MSG_ERRQUEUE, 4>},
    {"recv MSG_WAITALL", receive<MSG_WAITALL, 4>},
    {"recv twice", receive_twice},
    {"recv to a bad pointer", receive_bad},
    {"read", read_some},
    {"read nothing", read_nothing},
    {"pread", pread_one},
    {"recvmsg", receive_message<0>},
    {"recvmsg MSG_ERRQUEUE", receive_message<MSG_ERRQUEUE>},
    {"recvmsg MSG_TRUNC", receive_message<MSG_TRUNC>},
    {"recvmmsg", receive_two_messages},
    {"SO_ERROR", option<SOL_SOCKET, SO_ERROR>},
    {"SO_ACCEPTCONN", option<SOL_SOCKET, SO_ACCEPTCONN>},
    {"SO_TYPE", option<SOL_SOCKET, SO_TYPE>},
    {"SO_PROTOCOL", option<SOL_SOCKET, SO_PROTOCOL>},
    {"SO_PEERNAME", option_peer_name},
    {"set IPV6_V6ONLY", set_option<IPPROTO_IPV6, IPV6_V6ONLY>},
    {"set SO_REUSEADDR", set_option<SOL_SOCKET, SO_REUSEADDR>},
    {"set SO_REUSEPORT", set_option<SOL_SOCKET, SO_REUSEPORT>},
    {"set SO_OOBINLINE", set_option<SOL_SOCKET, SO_OOBINLINE>},
    {"FIONREAD", control<FIONREAD>},
    {"SIOCATMARK", control<0x8905>},
    {"SIOCOUTQNSD", control<0x894b>},
    {"F_GETFL", get_flags},
    {"lseek", seek},
};

}  // namespace

const std::vector<Call>& calls() { return kCalls; }

std::string told(long result) {
  std::string text = number(answer(result));
  if (broken_pipes != 0) text += " SIGPIPE";
  broken_pipes = 0;
  return text;
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_broken_pipe;
  sigaction(SIGPIPE, &action, nullptr);
}

std::string after(int fd) {
  pollfd entry{fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM, 0};
  ::poll(&entry, 1, 0);
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return "; poll " + hex(static_cast<unsigned short>(entry.revents)) + (error != 0 ? " error " + number(-error) : "");
}

}  // namespace conformance
