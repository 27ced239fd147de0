#include "tests/conformance/matrix/faults.hh"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tests/conformance/matrix/calls.hh"

namespace conformance {
namespace {

constexpr long kBad = 8;  // nothing is mapped there

// Parts of a message, beside the call's own arguments 0 to 5.
enum Part { kName = 10, kNameLength, kVector, kVectorCount, kControl, kControlLength, kTime };

template <int kIndex, long kValue>
constexpr auto put = [](Frame& frame) { frame.set(kIndex, kValue); };

const Fault kBadAddress{"bad address", 1, put<1, kBad>};
const Fault kNullAddress{"null address", 1, put<1, 0>};
const Fault kOtherFamily{"another family", 1,
                         [](Frame& frame) { frame.name = loopback(frame.subject.family == AF_INET ? AF_INET6 : AF_INET, 9); }};
const Fault kLengthNegative{"length -1", 2, put<2, -1>};
const Fault kLengthShort{"length 3", 2, put<2, 3>};
const Fault kLengthLong{"length 200", 2, put<2, 200>};

const std::vector<Fault> kNameFaults{kBadAddress, kNullAddress, kOtherFamily, kLengthNegative, kLengthShort, kLengthLong};

const std::vector<Fault> kOutNameFaults{
    {"bad address", 1, put<1, kBad>},
    {"bad length pointer", 2, put<2, kBad>},
    {"null length pointer", 2, put<2, 0>},
    {"length -1", 2, [](Frame& frame) { frame.length = static_cast<socklen_t>(-1); }},
    {"length 0", 2, [](Frame& frame) { frame.length = 0; }},
};

std::vector<Fault> with(std::vector<Fault> list, const std::vector<Fault>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

// What can be wrong inside a msghdr, whichever way it goes.
const std::vector<Fault> kMessageFaults{
    {"bad message", 1, put<1, kBad>},
    {"bad name", kName, [](Frame& frame) { frame.message.msg_name = bad_pointer(); }},
    {"name length -1", kNameLength, [](Frame& frame) { frame.message.msg_namelen = static_cast<socklen_t>(-1); }},
    {"name length 3", kNameLength, [](Frame& frame) { frame.message.msg_namelen = 3; }},
    {"bad vector", kVector, [](Frame& frame) { frame.message.msg_iov = bad_pointer<iovec>(); }},
    {"vector of a bad buffer", kVector, [](Frame& frame) { frame.vector[0].iov_base = bad_pointer(); }},
    {"vector of size -1", kVector, [](Frame& frame) { frame.vector[1].iov_len = static_cast<size_t>(-1); }},
    {"2000 vectors", kVectorCount, [](Frame& frame) { frame.message.msg_iovlen = 2000; }},
    {"bad control", kControl,
     [](Frame& frame) {
       frame.message.msg_control = bad_pointer();
       if (frame.message.msg_controllen == 0) frame.message.msg_controllen = 32;
     }},
    {"malformed control", kControl,
     [](Frame& frame) {
       frame.control[0] = 1;
       frame.message.msg_control = frame.control;
       frame.message.msg_controllen = 32;
     }},
    {"control of 1 GiB", kControlLength,
     [](Frame& frame) {
       frame.message.msg_control = frame.control;
       frame.message.msg_controllen = size_t{1} << 30;
     }},
    {"MSG_OOB", 2, put<2, MSG_OOB>},
    {"MSG_ERRQUEUE", 2, put<2, MSG_ERRQUEUE>},
    {"MSG_CMSG_COMPAT", 2, put<2, 0x80000000>},
};

void prepare_name(Frame& frame, long number) {
  frame.number = number;
  frame.set(1, &frame.name.bytes);
  frame.set(2, frame.name.length);
}
void prepare_out_name(Frame& frame, long number) {
  frame.number = number;
  frame.set(1, &frame.name.bytes);
  frame.set(2, &frame.length);
}
void prepare_message(Frame& frame, long number) {
  frame.number = number;
  frame.set(1, &frame.message);
  frame.message.msg_iov = frame.vector;
  frame.message.msg_iovlen = 2;
  frame.message.msg_name = &frame.name.bytes;
  frame.message.msg_namelen = frame.name.length;
}
template <long kNumber>
void prepare_buffer(Frame& frame) {
  frame.number = kNumber;
  frame.set(1, frame.buffer);
  frame.set(2, 4);
}
template <long kNumber>
void prepare_vector(Frame& frame) {
  frame.number = kNumber;
  frame.set(1, frame.vector);
  frame.set(2, 2);
  if (kNumber == SYS_preadv2 || kNumber == SYS_pwritev2) frame.set(3, -1), frame.set(4, -1);
}

const std::vector<Fault> kBufferFaults{{"bad buffer", 1, put<1, kBad>}, {"size -1", 2, put<2, -1>}, {"size 0", 2, put<2, 0>}};
const std::vector<Fault> kVectorFaults{
    {"bad vector", 1, put<1, kBad>},
    {"vector of a bad buffer", kVector, [](Frame& frame) { frame.vector[0].iov_base = bad_pointer(); }},
    {"vector of size -1", kVector, [](Frame& frame) { frame.vector[1].iov_len = static_cast<size_t>(-1); }},
    {"2000 vectors", 2, put<2, 2000>},
    {"-1 vectors", 2, put<2, -1>},
    {"0 vectors", 2, put<2, 0>},
};

std::vector<FaultyCall> make_calls() {
  return {
      {"bind", [](Frame& frame) { prepare_name(frame, SYS_bind); }, kNameFaults},
      {"connect", [](Frame& frame) { prepare_name(frame, SYS_connect); }, kNameFaults},
      {"listen", [](Frame& frame) { frame.number = SYS_listen; }, {{"backlog -1", 1, put<1, -1>}}},
      {"accept4", [](Frame& frame) { prepare_out_name(frame, SYS_accept4); }, with(kOutNameFaults, {{"flags 1", 3, put<3, 1>}})},
      {"getsockname", [](Frame& frame) { prepare_out_name(frame, SYS_getsockname); }, kOutNameFaults},
      {"getpeername", [](Frame& frame) { prepare_out_name(frame, SYS_getpeername); }, kOutNameFaults},
      {"sendto",
       [](Frame& frame) {
         prepare_buffer<SYS_sendto>(frame);
         frame.set(4, &frame.name.bytes);
         frame.set(5, frame.name.length);
       },
       {{"bad buffer", 1, put<1, kBad>},
        {"size 70000", 2, put<2, 70000>},
        {"MSG_OOB", 3, put<3, MSG_OOB>},
        {"MSG_ERRQUEUE", 3, put<3, MSG_ERRQUEUE>},
        {"bad address", 4, put<4, kBad>},
        {"another family", 4,
         [](Frame& frame) { frame.name = loopback(frame.subject.family == AF_INET ? AF_INET6 : AF_INET, 9); }},
        {"port 0", 4, [](Frame& frame) { frame.name = loopback(frame.subject.family, 0); }},
        {"length -1", 5, put<5, -1>},
        {"length 3", 5, put<5, 3>},
        {"length 200", 5, put<5, 200>}}},
      {"recvfrom",
       [](Frame& frame) {
         prepare_buffer<SYS_recvfrom>(frame);
         frame.set(4, &frame.name.bytes);
         frame.set(5, &frame.length);
       },
       {{"bad buffer", 1, put<1, kBad>},
        {"size 0", 2, put<2, 0>},
        {"size -1", 2, put<2, -1>},
        {"MSG_OOB", 3, put<3, MSG_OOB>},
        {"MSG_ERRQUEUE", 3, put<3, MSG_ERRQUEUE>},
        {"bad address", 4, put<4, kBad>},
        {"bad length pointer", 5, put<5, kBad>},
        {"length -1", 5, [](Frame& frame) { frame.length = static_cast<socklen_t>(-1); }}}},
      {"sendmsg", [](Frame& frame) { prepare_message(frame, SYS_sendmsg); }, kMessageFaults},
      {"recvmsg", [](Frame& frame) { prepare_message(frame, SYS_recvmsg); }, kMessageFaults},
      {"sendmmsg",
       [](Frame& frame) {
         prepare_message(frame, SYS_sendmmsg);
         frame.set(2, 1);
       },
       {{"bad messages", 1, put<1, kBad>},
        {"no messages", 2, put<2, 0>},
        {"MSG_OOB", 3, put<3, MSG_OOB>},
        {"MSG_CMSG_COMPAT", 3, put<3, 0x80000000>},
        {"2000 vectors", kVectorCount, [](Frame& frame) { frame.message.msg_iovlen = 2000; }},
        {"name length -1", kNameLength, [](Frame& frame) { frame.message.msg_namelen = static_cast<socklen_t>(-1); }}}},
      {"recvmmsg",
       [](Frame& frame) {
         prepare_message(frame, SYS_recvmmsg);
         frame.set(2, 1);
         frame.set(4, &frame.time);
       },
       {{"bad messages", 1, put<1, kBad>},
        {"no messages", 2, put<2, 0>},
        {"MSG_OOB", 3, put<3, MSG_OOB>},
        {"MSG_CMSG_COMPAT", 3, put<3, 0x80000000>},
        {"bad time", 4, put<4, kBad>},
        {"time of -1 ns", kTime, [](Frame& frame) { frame.time.tv_nsec = -1; }},
        {"2000 vectors", kVectorCount, [](Frame& frame) { frame.message.msg_iovlen = 2000; }}}},
      {"shutdown", [](Frame& frame) { frame.number = SYS_shutdown; }, {{"how 3", 1, put<1, 3>}, {"how -1", 1, put<1, -1>}}},
      {"setsockopt",
       [](Frame& frame) {
         frame.number = SYS_setsockopt;
         frame.set(1, SOL_SOCKET);
         frame.set(2, SO_REUSEADDR);
         frame.set(3, &frame.value);
         frame.set(4, 4);
       },
       {{"unknown level", 1, put<1, 999>},
        {"level IP", 1, put<1, IPPROTO_IP>},
        {"level IPV6", 1, put<1, IPPROTO_IPV6>},
        {"level TCP", 1, put<1, IPPROTO_TCP>},
        {"level UDP", 1, put<1, IPPROTO_UDP>},
        {"unknown option", 2, put<2, 9999>},
        {"read-only option", 2, put<2, SO_TYPE>},
        {"bad value", 3, put<3, kBad>},
        {"null value", 3, put<3, 0>},
        {"size -1", 4, put<4, -1>},
        {"size 0", 4, put<4, 0>},
        {"size 1", 4, put<4, 1>}}},
      {"getsockopt",
       [](Frame& frame) {
         frame.number = SYS_getsockopt;
         frame.set(1, SOL_SOCKET);
         frame.set(2, SO_REUSEADDR);
         frame.set(3, &frame.value);
         frame.length = 4;
         frame.set(4, &frame.length);
       },
       {{"unknown level", 1, put<1, 999>},
        {"level IP", 1, put<1, IPPROTO_IP>},
        {"level IPV6", 1, put<1, IPPROTO_IPV6>},
        {"level TCP", 1, put<1, IPPROTO_TCP>},
        {"level UDP", 1, put<1, IPPROTO_UDP>},
        {"unknown option", 2, put<2, 9999>},
        {"bad value", 3, put<3, kBad>},
        {"bad length pointer", 4, put<4, kBad>},
        {"length -1", 4, [](Frame& frame) { frame.length = static_cast<socklen_t>(-1); }},
        {"length 0", 4, [](Frame& frame) { frame.length = 0; }}}},
      {"ioctl",
       [](Frame& frame) {
         frame.number = SYS_ioctl;
         frame.set(1, FIONREAD);
         frame.set(2, &frame.value);
       },
       {{"unknown request", 1, put<1, 0x12345>},
        {"SIOCATMARK", 1, put<1, 0x8905>},
        {"FIONBIO", 1, put<1, FIONBIO>},
        {"SIOCGIFNAME", 1, put<1, 0x8910>},
        {"SIOCGIFFLAGS", 1, put<1, 0x8913>},
        {"SIOCSIFFLAGS", 1, put<1, 0x8914>},
        {"SIOCSPGRP", 1, put<1, 0x8902>},
        {"bad pointer", 2, put<2, kBad>},
        {"null pointer", 2, put<2, 0>}}},
      {"read", prepare_buffer<SYS_read>, kBufferFaults},
      {"write", prepare_buffer<SYS_write>, kBufferFaults},
      {"readv", prepare_vector<SYS_readv>, kVectorFaults},
      {"writev", prepare_vector<SYS_writev>, kVectorFaults},
      {"pread64", prepare_buffer<SYS_pread64>, with(kBufferFaults, {{"offset -1", 3, put<3, -1>}})},
      {"pwrite64", prepare_buffer<SYS_pwrite64>, with(kBufferFaults, {{"offset -1", 3, put<3, -1>}})},
      {"preadv", prepare_vector<SYS_preadv>, with(kVectorFaults, {{"offset -1", 3, put<3, -1>}})},
      {"preadv2", prepare_vector<SYS_preadv2>,
       with(kVectorFaults, {{"offset 0", 3, put<3, 0>}, {"offset -2", 3, put<3, -2>}, {"unknown flags", 5, put<5, 0x100000>}})},
      {"pwritev2", prepare_vector<SYS_pwritev2>,
       with(kVectorFaults, {{"offset 0", 3, put<3, 0>}, {"offset -2", 3, put<3, -2>}, {"unknown flags", 5, put<5, 0x100000>}})},
      {"poll",
       [](Frame& frame) {
         frame.number = SYS_poll;
         frame.polls[0] = {frame.subject.socket, POLLIN, 0};
         frame.set(0, frame.polls);
         frame.set(1, 1);
       },
       {{"bad entries", 0, put<0, kBad>}, {"a billion entries", 1, put<1, 1000000000>}}},
      {"ppoll",
       [](Frame& frame) {
         frame.number = SYS_ppoll;
         frame.polls[0] = {frame.subject.socket, POLLIN, 0};
         frame.set(0, frame.polls);
         frame.set(1, 1);
         frame.set(2, &frame.time);
         frame.set(4, 8);
       },
       {{"bad entries", 0, put<0, kBad>},
        {"a billion entries", 1, put<1, 1000000000>},
        {"bad time", 2, put<2, kBad>},
        {"time of -1 ns", kTime, [](Frame& frame) { frame.time.tv_nsec = -1; }},
        {"bad mask", 3, put<3, kBad>},
        {"mask size 7", 4, put<4, 7>}}},
      {"select",
       [](Frame& frame) {
         frame.number = SYS_select;
         FD_ZERO(&frame.set_of_fds);
         if (frame.subject.socket >= 0) FD_SET(frame.subject.socket, &frame.set_of_fds);
         frame.set(0, 64);
         frame.set(1, &frame.set_of_fds);
         frame.set(4, &frame.time);
       },
       {{"-1 descriptors", 0, put<0, -1>},
        {"bad set", 1, put<1, kBad>},
        {"bad second set", 2, put<2, kBad>},
        {"bad time", 4, put<4, kBad>},
        {"time of -1 us", kTime, [](Frame& frame) { frame.time.tv_nsec = -1; }}}},
      {"sendfile",
       [](Frame& frame) {
         frame.extra = Fd(::open("/proc/self/exe", O_RDONLY));
         frame.number = SYS_sendfile;
         frame.set(1, static_cast<int>(frame.extra));
         frame.set(2, 0);
         frame.set(3, 4);
       },
       {{"bad input", 1, put<1, -1>},
        {"bad offset pointer", 2, put<2, kBad>},
        {"offset -1", 2,
         [](Frame& frame) {
           frame.time.tv_sec = -1;
           frame.set(2, &frame.time);
         }},
        {"size 0", 3, put<3, 0>}}},
      {"epoll_ctl",
       [](Frame& frame) {
         frame.extra = Fd(::epoll_create1(0));
         frame.number = SYS_epoll_ctl;
         frame.event.events = EPOLLIN;
         frame.set(0, static_cast<int>(frame.extra));
         frame.set(1, EPOLL_CTL_ADD);
         frame.set(2, static_cast<int>(frame.subject.socket));
         frame.set(3, &frame.event);
       },
       {{"bad set", 0, put<0, -1>},
        {"no set", 0, [](Frame& frame) { frame.set(0, static_cast<int>(frame.subject.socket)); }},
        {"unknown operation", 1, put<1, 9>},
        {"modify", 1, put<1, EPOLL_CTL_MOD>},
        {"delete", 1, put<1, EPOLL_CTL_DEL>},
        {"bad target", 2, put<2, -1>},
        {"the set itself", 2, [](Frame& frame) { frame.set(2, static_cast<int>(frame.extra)); }},
        {"bad event", 3, put<3, kBad>}}},
      {"socket",
       [](Frame& frame) {
         frame.number = SYS_socket;
         frame.set(0, AF_INET);
         frame.set(1, SOCK_STREAM);
       },
       {{"family 99", 0, put<0, 99>},
        {"family -1", 0, put<0, -1>},
        {"type 0", 1, put<1, 0>},
        {"type 8", 1, put<1, 8>},
        {"type 15", 1, put<1, 15>},
        {"unknown flags", 1, put<1, SOCK_STREAM | 0x100>},
        {"protocol 99", 2, put<2, 99>},
        {"protocol -1", 2, put<2, -1>},
        {"protocol 1000", 2, put<2, 1000>}}},
      {"socketpair",
       [](Frame& frame) {
         frame.number = SYS_socketpair;
         frame.set(0, AF_UNIX);
         frame.set(1, SOCK_STREAM);
         frame.set(3, frame.buffer);
       },
       {{"family INET", 0, put<0, AF_INET>},
        {"family 99", 0, put<0, 99>},
        {"type 0", 1, put<1, 0>},
        {"type 15", 1, put<1, 15>},
        {"unknown flags", 1, put<1, SOCK_STREAM | 0x100>},
        {"protocol 99", 2, put<2, 99>},
        {"bad array", 3, put<3, kBad>}}},
  };
}

}  // namespace

Frame::Frame(Subject& of) : subject(of), name(loopback(of.family, 9)) { set(0, static_cast<int>(of.socket)); }

std::string Frame::run() {
  const long result = ::syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
  std::string text = told(result);
  // A descriptor is what the test has open, no more.
  if (result >= 0 && (number == SYS_socket || number == SYS_accept4)) {
    ::close(static_cast<int>(result));
    text = "a socket";
  }
  if (result == 0 && number == SYS_socketpair) {
    for (int i = 0; i < 2; ++i) ::close(reinterpret_cast<int*>(buffer)[i]);
  }
  return text;
}

const std::vector<FaultyCall>& faulty_calls() {
  static const std::vector<FaultyCall> calls = make_calls();
  return calls;
}

}  // namespace conformance
