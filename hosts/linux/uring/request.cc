#include "hosts/linux/uring/request.hh"

#include <limits.h>
#include <linux/time_types.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <vector>

#include "hosts/linux/user_memory.hh"

namespace lxnet::host::uring {
namespace {

template <typename T>
bool read_memory(pid_t tid, uint64_t address, T& value) {
  return copy_from_task(tid, &value, address, sizeof value) == 0;
}

bool take_address(Request& request, pid_t tid, uint64_t from, uint64_t size) {
  char address[sizeof(sockaddr_storage)] = {};
  if (size > sizeof address || copy_from_task(tid, address, from, size) != 0) return false;
  request.address = request.context.window.put(address, sizeof address);
  return request.address != 0;
}

bool take_vector(Request& request, pid_t tid, uint64_t from, uint64_t count) {
  if (count > IOV_MAX) return false;
  std::vector<iovec> vector(count + 1);  // one for a chosen buffer
  if (count != 0 && copy_from_task(tid, vector.data(), from, count * sizeof(iovec)) != 0) return false;
  if (std::any_of(vector.begin(), vector.end(), [](const iovec& one) { return static_cast<ssize_t>(one.iov_len) < 0; }))
    return false;
  request.vector = request.context.window.put(vector.data(), vector.size() * sizeof(iovec));
  return request.vector != 0;
}

bool take_message(Request& request, pid_t tid) {
  msghdr header;
  if (!read_memory(tid, request.entry.addr, header) || static_cast<int>(header.msg_namelen) < 0) return false;
  const bool is_sent = request.entry.opcode != IORING_OP_RECVMSG;
  if (!take_vector(request, tid, reinterpret_cast<uint64_t>(header.msg_iov), header.msg_iovlen)) return false;
  header.msg_iov = reinterpret_cast<iovec*>(request.vector);
  if (is_sent && header.msg_name != nullptr) {
    const auto size = std::min<socklen_t>(header.msg_namelen, sizeof(sockaddr_storage));
    if (!take_address(request, tid, reinterpret_cast<uint64_t>(header.msg_name), size)) return false;
    header.msg_name = reinterpret_cast<void*>(request.address);
    header.msg_namelen = size;
  }
  request.header = request.context.window.put_value(header);
  return request.header != 0;
}

}  // namespace

bool take_in(Request& request, pid_t tid) {
  const io_uring_sqe& entry = request.entry;
  Window& window = request.context.window;
  struct {
    pollfd file;
    __kernel_timespec time;
  } polled = {};
  request.polled = window.put_value(polled);
  request.scratch = window.put_value(uint64_t{0});
  switch (entry.opcode) {
    case IORING_OP_SENDMSG:
    case IORING_OP_SENDMSG_ZC:
    case IORING_OP_RECVMSG:
      return take_message(request, tid);
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
      return entry.addr2 == 0 || take_address(request, tid, entry.addr2, entry.addr_len);
    case IORING_OP_CONNECT:
    case kOpBind:
      return take_address(request, tid, entry.addr, entry.addr2);
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      return take_vector(request, tid, entry.addr, entry.len);
    case IORING_OP_EPOLL_CTL: {
      epoll_event event = {};
      if (entry.len != EPOLL_CTL_DEL && !read_memory(tid, entry.addr, event)) return false;
      request.address = window.put_value(event);
      return true;
    }
    case IORING_OP_POLL_ADD:
      request.address = window.put_value(epoll_event{});
      return true;
    case IORING_OP_LINK_TIMEOUT: {
      __kernel_timespec time;
      if (!read_memory(tid, entry.addr, time) || time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1'000'000'000)
        return false;
      request.address = window.put_value(time);
      return true;
    }
    default:
      return true;
  }
}

}  // namespace lxnet::host::uring
