// What the arguments of each call are.
// lint: table

#include "compat/trace/call_printer.hh"

namespace lxnet {
namespace {

using enum Shape;

// clang-format off
constexpr CallShape kShapes[] = {
    {"read", {Int, BytesOut, Size}},
    {"write", {Int, Bytes, Size}},
    {"pread64", {Int, BytesOut, Size, Int}},
    {"pwrite64", {Int, Bytes, Size, Int}},
    {"readv", {Int, VectorOut, Size}},
    {"writev", {Int, Vector, Size}},
    {"preadv", {Int, VectorOut, Size, Int}},
    {"pwritev", {Int, Vector, Size, Int}},
    {"preadv2", {Int, VectorOut, Size, Int, None, ReadWriteFlags}},
    {"pwritev2", {Int, Vector, Size, Int, None, ReadWriteFlags}},
    {"poll", {PollSet, Size, Int}},
    {"ppoll", {PollSet, Size, Timespec, SignalMask, Size}},
    {"ppoll_time32", {PollSet, Size, Timespec32, SignalMask, Size}},
    {"select", {Int, FdSet, FdSet, FdSet, Timeval}},
    {"pselect6", {Int, FdSet, FdSet, FdSet, Timespec, SignalMaskPair}},
    {"pselect6_time32", {Int, FdSet, FdSet, FdSet, Timespec32, SignalMaskPair}},
    {"ioctl", {Int, IoctlCommand, IoctlArgument}},
    {"fcntl", {Int, FcntlCommand, FcntlArgument}},
    {"fcntl64", {Int, FcntlCommand, FcntlArgument}},
    {"socket", {Family, SocketType, Protocol}},
    {"socketpair", {Family, SocketType, Protocol, FdPairOut}},
    {"bind", {Int, Name, Int}},
    {"connect", {Int, Name, Int}},
    {"listen", {Int, Int}},
    {"accept", {Int, NameOut, NameLength}},
    {"accept4", {Int, NameOut, NameLength, AcceptFlags}},
    {"getsockname", {Int, NameOut, NameLength}},
    {"getpeername", {Int, NameOut, NameLength}},
    {"sendto", {Int, Bytes, Size, MessageFlags, Name, Int}},
    {"recvfrom", {Int, BytesOut, Size, MessageFlags, NameOut, NameLength}},
    {"sendmsg", {Int, Message, MessageFlags}},
    {"recvmsg", {Int, MessageOut, MessageFlags}},
    {"sendmmsg", {Int, MessagesOut, Size, MessageFlags}},
    {"recvmmsg", {Int, MessagesOut, Size, MessageFlags, Timespec}},
    {"recvmmsg_time32", {Int, MessagesOut, Size, MessageFlags, Timespec32}},
    {"shutdown", {Int, How}},
    {"setsockopt", {Int, Level, Option, OptionValue, Int}},
    {"getsockopt", {Int, Level, Option, OptionValueOut, OptionLength}},
    {"sendfile", {Int, Int, Offset, Size}},
    {"splice", {Int, Offset, Int, Offset, Size, SpliceFlags}},
    {"tee", {Int, Int, Size, SpliceFlags}},
    {"epoll_create", {Int}},
    {"epoll_create1", {EpollFlags}},
    {"epoll_ctl", {Int, EpollOperation, Int, EpollEvent}},
    {"epoll_wait", {Int, EpollEventsOut, Int, Int}},
    {"epoll_pwait", {Int, EpollEventsOut, Int, Int, SignalMask, Size}},
    {"epoll_pwait2", {Int, EpollEventsOut, Int, Timespec, SignalMask, Size}},
};
// clang-format on

}  // namespace

const CallShape* find_call_shape(const char* name) {
  for (const CallShape& shape : kShapes) {
    if (TextView(shape.name) == name) return &shape;
  }
  return nullptr;
}

}  // namespace lxnet
