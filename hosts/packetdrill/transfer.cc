#include "hosts/packetdrill/transfer.hh"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace lxnet::packetdrill {
namespace {

constexpr size_t kPiece = 65536;  // a pipe's room, through which Linux moves a file

bool is_nonblocking(Machine& machine, int fd, unsigned flags) {
  return (flags & SPLICE_F_NONBLOCK) != 0 || (machine.call(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) != 0;
}

int64_t room_of_pipe(int fd) {
  int filled = 0;
  const int size = fcntl(fd, F_GETPIPE_SZ);
  if (size < 0 || ioctl(fd, FIONREAD, &filled) != 0) return -errno;
  return size - filled;
}

int64_t from_socket(Machine& machine, int from, int to, size_t size, unsigned flags) {
  const int64_t room = room_of_pipe(to);
  if (room < 0) return -EINVAL;
  if (room == 0) return -EAGAIN;
  std::vector<char> bytes(std::min(size, static_cast<size_t>(room)));
  const int wait = is_nonblocking(machine, from, flags) ? MSG_DONTWAIT : 0;
  const int64_t got = machine.call(SYS_recvfrom, from, bytes.data(), bytes.size(), wait, nullptr, nullptr);
  if (got <= 0) return got;
  return ::write(to, bytes.data(), static_cast<size_t>(got));
}

// What the socket does not take stays in the pipe: a second pipe shows its contents without taking them.
int64_t to_socket(Machine& machine, int from, int to, size_t size, unsigned flags) {
  int peek[2];
  if (::pipe2(peek, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  const ssize_t seen = ::tee(from, peek[1], size, SPLICE_F_NONBLOCK);
  int64_t result = seen < 0 ? -errno : seen;
  if (result > 0) {
    std::vector<char> bytes(static_cast<size_t>(result));
    static_cast<void>(!::read(peek[0], bytes.data(), bytes.size()));
    const int more = (flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0;
    const int wait = is_nonblocking(machine, to, flags) ? MSG_DONTWAIT : 0;
    result = machine.call(SYS_sendto, to, bytes.data(), bytes.size(), wait | more, nullptr, 0);
    if (result > 0) static_cast<void>(!::read(from, bytes.data(), static_cast<size_t>(result)));
  }
  ::close(peek[0]);
  ::close(peek[1]);
  return result;
}

}  // namespace

int64_t splice(Machine& machine, int from, loff_t* from_offset, int to, loff_t* to_offset, size_t size, unsigned flags) {
  const bool is_from_own = machine.is_own(from), is_to_own = machine.is_own(to);
  if (is_from_own && is_to_own) return -EINVAL;
  if ((is_from_own && from_offset != nullptr) || (is_to_own && to_offset != nullptr)) return -ESPIPE;
  if (size == 0) return 0;
  if (is_from_own) return from_socket(machine, from, to, size, flags);
  if (is_to_own) return to_socket(machine, from, to, size, flags);
  const ssize_t moved = ::splice(from, from_offset, to, to_offset, size, flags);
  return moved < 0 ? -errno : moved;
}

int64_t send_file(Machine& machine, int to, int from, off_t* offset, size_t size) {
  if (!machine.is_own(to)) {
    const ssize_t moved = ::sendfile(to, from, offset, size);
    return moved < 0 ? -errno : moved;
  }
  off_t at = offset != nullptr ? *offset : lseek(from, 0, SEEK_CUR);
  int64_t moved = 0;
  std::vector<char> bytes(kPiece);
  while (static_cast<size_t>(moved) < size) {
    const size_t wanted = std::min(kPiece, size - static_cast<size_t>(moved));
    const ssize_t got = pread(from, bytes.data(), wanted, at);
    if (got <= 0) {
      if (got < 0 && moved == 0) return -errno;
      break;
    }
    // More of the file follows: as Linux says it to TCP.
    char next;
    const bool is_last = static_cast<size_t>(moved + got) >= size || pread(from, &next, 1, at + got) <= 0;
    const int64_t sent = machine.call(SYS_sendto, to, bytes.data(), static_cast<size_t>(got), is_last ? 0 : MSG_MORE, nullptr, 0);
    if (sent < 0) {
      if (moved == 0) return sent;
      break;
    }
    moved += sent;
    at += sent;
    if (sent < got) break;
  }
  if (offset != nullptr) {
    *offset = at;
  } else {
    lseek(from, at, SEEK_SET);
  }
  return moved;
}

}  // namespace lxnet::packetdrill
