#include "hosts/linux/uring/executor.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "hosts/linux/call.hh"
#include "hosts/linux/clock.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host::uring {
namespace {

constexpr int64_t kRestartSys = -512;
constexpr uint32_t kReadNoWait = 8;       // RWF_NOWAIT
constexpr int kMostSpins = 16;            // retries of what is said to be ready and is not
constexpr short kAlwaysTold = POLLRDHUP;  // by POLL_ADD, asked for or not

bool is_receive(uint8_t opcode) { return opcode == IORING_OP_RECV || opcode == IORING_OP_RECVMSG; }
bool is_zero_copy(uint8_t opcode) { return opcode == IORING_OP_SEND_ZC || opcode == IORING_OP_SENDMSG_ZC; }
bool is_send(uint8_t opcode) { return opcode == IORING_OP_SEND || opcode == IORING_OP_SENDMSG || is_zero_copy(opcode); }
bool is_transfer(uint8_t opcode) {
  return opcode == IORING_OP_READ || opcode == IORING_OP_WRITE || opcode == IORING_OP_READV || opcode == IORING_OP_WRITEV;
}

}  // namespace

bool Executor::run() {
  const io_uring_sqe& entry = request_.entry;
  if (entry.opcode == IORING_OP_POLL_ADD && entry.len != 0) return poll_again_and_again();
  const bool polls_first = (is_send(entry.opcode) || is_receive(entry.opcode)) ? (entry.ioprio & IORING_RECVSEND_POLL_FIRST) != 0
                           : entry.opcode == IORING_OP_ACCEPT                  ? (entry.ioprio & kAcceptPollFirst) != 0
                                                                               : false;
  int spins = 0;
  bool must_wait = polls_first;
  for (;;) {
    if (must_wait && !wait(events())) break;
    if (++spins > kMostSpins && !pause()) break;
    int64_t result = attempt();
    if (wake_ == Wake::Cancelled) break;
    if (result <= kRestartSys) result = -EINTR;
    must_wait = result == -EAGAIN && !must_not_wait();
    if (must_wait) continue;
    if (go_on_with_the_rest(result)) {
      spins = 0;
      must_wait = true;
      continue;
    }
    if (is_multishot() && !is_last_ && (result > 0 || (result == 0 && entry.opcode == IORING_OP_ACCEPT))) {
      finish(result);
      const uint32_t flags = std::exchange(request_.flags, 0);
      around_.post(request_.result, flags | IORING_CQE_F_MORE);
      // Where it is known that nothing is left, no buffer is wanted until something comes.
      must_wait = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0 && option(SO_TYPE) == SOCK_STREAM;
      continue;
    }
    finish(result);
    return true;
  }
  request_.result = done_ != 0 ? static_cast<int32_t>(done_) : kCanceled;
  request_.has_failed = true;
  if (is_zero_copy(entry.opcode)) post_zero_copy(request_.result);
  return false;
}

int64_t Executor::attempt() {
  const io_uring_sqe& entry = request_.entry;
  const auto number = static_cast<uint64_t>(static_cast<int64_t>(request_.context.number));
  switch (entry.opcode) {
    case IORING_OP_SEND:
    case IORING_OP_SEND_ZC:
      return send();
    case IORING_OP_SENDMSG:
    case IORING_OP_SENDMSG_ZC:
      return send_message();
    case IORING_OP_RECV:
      return receive();
    case IORING_OP_RECVMSG:
      return receive_message();
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      return transfer();
    case IORING_OP_CONNECT:
      return connect();
    case IORING_OP_ACCEPT:
      return accept();
    case IORING_OP_POLL_ADD:
      return poll();
    case IORING_OP_SOCKET:
      if (!around_.wait_for_number()) break;
      return call(SYS_socket, number, entry.off, entry.len);
    case kOpBind:
      return call(SYS_bind, number, request_.address, entry.addr2);
    case kOpListen:
      return call(SYS_listen, number, entry.len);
    case IORING_OP_SHUTDOWN:
      return call(SYS_shutdown, number, entry.len);
    case IORING_OP_EPOLL_CTL:
      return call(SYS_epoll_ctl, number, entry.len, entry.off, request_.address);
    case IORING_OP_NOP:
      return 0;
    default:
      return -EINVAL;
  }
  wake_ = Wake::Cancelled;
  return 0;
}

int64_t Executor::call(int number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, uint64_t fifth,
                       uint64_t sixth) {
  Call& its_call = around_.call;
  its_call.found_fd = (request_.entry.flags & IOSQE_FIXED_FILE) != 0 ? -1 : request_.context.number;
  its_call.found_file = request_.context.file;
  lxnet_file* file = request_.context.file;
  its_call.stack = file != nullptr ? lxnet_file_stack(file) : around_.stack;
  const uint64_t arguments[6] = {first, second, third, fourth, fifth, sixth};
  return lxnet_syscall(its_call.stack, around_.abi, static_cast<uint32_t>(number), arguments);
}

// Nobody else runs between these: only a park lets another fiber go on, and what does not block does not park.
int64_t Executor::call_nonblocking(int number, uint64_t second, uint64_t third, uint64_t fourth) {
  const auto fd = static_cast<uint64_t>(request_.context.number);
  const int64_t flags = call(SYS_fcntl, fd, F_GETFL);
  const bool must_change = flags >= 0 && (flags & O_NONBLOCK) == 0;
  if (must_change) call(SYS_fcntl, fd, F_SETFL, static_cast<uint64_t>(flags | O_NONBLOCK));
  const int64_t result = call(number, fd, second, third, fourth);
  if (must_change) call(SYS_fcntl, fd, F_SETFL, static_cast<uint64_t>(flags));
  return result;
}

int64_t Executor::send() {
  const io_uring_sqe& entry = request_.entry;
  const uint32_t flags = entry.msg_flags | MSG_NOSIGNAL | MSG_DONTWAIT;
  const uint64_t address_size = request_.address == 0 ? 0 : entry.addr_len;
  return call(SYS_sendto, static_cast<uint64_t>(request_.context.number), entry.addr + done_, entry.len - done_, flags,
              request_.address, address_size);
}

int64_t Executor::send_message() {
  const uint32_t flags = request_.entry.msg_flags | MSG_NOSIGNAL | MSG_DONTWAIT;
  return call(SYS_sendmsg, static_cast<uint64_t>(request_.context.number), request_.header, flags);
}

int64_t Executor::receive() {
  const io_uring_sqe& entry = request_.entry;
  uint64_t address = entry.addr + done_, size = entry.len - done_;
  if ((entry.flags & IOSQE_BUFFER_SELECT) != 0) {
    if (!choose_buffer()) return -ENOBUFS;
    address = buffer_.address + done_;
    size = (entry.len == 0 ? buffer_.size : std::min(buffer_.size, entry.len)) - done_;
  }
  return call(SYS_recvfrom, static_cast<uint64_t>(request_.context.number), address, size, entry.msg_flags | MSG_DONTWAIT);
}

int64_t Executor::receive_message() {
  const io_uring_sqe& entry = request_.entry;
  if (is_multishot()) return receive_message_with_head();
  Window& window = request_.context.window;
  if ((entry.flags & IOSQE_BUFFER_SELECT) != 0 && done_ == 0) {
    auto header = window.get<msghdr>(request_.header);
    if (header.msg_iovlen > 1) return -EINVAL;
    if (!choose_buffer()) return -ENOBUFS;
    const size_t wanted = header.msg_iovlen == 0 ? 0 : window.get<iovec>(request_.vector).iov_len;
    const size_t size = wanted == 0 ? buffer_.size : std::min<size_t>(wanted, buffer_.size);
    window.set(request_.vector, iovec{.iov_base = reinterpret_cast<void*>(buffer_.address), .iov_len = size});
    header.msg_iovlen = 1;
    window.set(request_.header, header);
  }
  const int64_t result =
      call(SYS_recvmsg, static_cast<uint64_t>(request_.context.number), request_.header, entry.msg_flags | MSG_DONTWAIT);
  if (result >= 0) write_back_message();
  return result;
}

// Again and again: the buffer begins with what recvmsg() says beside the bytes, as the header handed in gives it room.
int64_t Executor::receive_message_with_head() {
  Window& window = request_.context.window;
  const auto asked = window.get<msghdr>(request_.header);
  if (asked.msg_iovlen > 1) return -EINVAL;
  if (!choose_buffer()) return -ENOBUFS;
  const uint64_t wanted = asked.msg_iovlen == 0 ? 0 : window.get<iovec>(request_.vector).iov_len;
  const uint64_t size = wanted == 0 ? buffer_.size : std::min<uint64_t>(wanted, buffer_.size);
  const uint64_t head = sizeof(io_uring_recvmsg_out) + asked.msg_namelen + asked.msg_controllen;
  if (asked.msg_controllen > size || head > size) return -EFAULT;
  const uint64_t name = buffer_.address + sizeof(io_uring_recvmsg_out), control = name + asked.msg_namelen;
  if (message_ == 0) {
    vector_ = window.put_value(iovec{});
    message_ = window.put_value(msghdr{});
    if (message_ == 0) return -ENOMEM;
  }
  window.set(vector_, iovec{.iov_base = reinterpret_cast<void*>(buffer_.address + head), .iov_len = size - head});
  msghdr header = {};
  header.msg_name = asked.msg_namelen == 0 ? nullptr : reinterpret_cast<void*>(name);
  header.msg_namelen = asked.msg_namelen;
  header.msg_iov = reinterpret_cast<iovec*>(vector_);
  header.msg_iovlen = 1;
  header.msg_control = asked.msg_controllen == 0 ? nullptr : reinterpret_cast<void*>(control);
  header.msg_controllen = asked.msg_controllen;
  window.set(message_, header);
  const int64_t result =
      call(SYS_recvmsg, static_cast<uint64_t>(request_.context.number), message_, request_.entry.msg_flags | MSG_DONTWAIT);
  if (result < 0) return result;
  header = window.get<msghdr>(message_);
  const io_uring_recvmsg_out out = {.namelen = header.msg_namelen,
                                    .controllen = static_cast<uint32_t>(header.msg_controllen),
                                    .payloadlen = static_cast<uint32_t>(result),
                                    .flags = static_cast<uint32_t>(header.msg_flags)};
  if (copy_to_task(around_.call.tid(), buffer_.address, &out, sizeof out) != 0) return -EFAULT;
  is_last_ = result == 0;
  return static_cast<int64_t>(head) + std::min<int64_t>(result, static_cast<int64_t>(size - head));
}

// What recvmsg() says beside the bytes belongs into the program's own header.
void Executor::write_back_message() {
  const auto header = request_.context.window.get<msghdr>(request_.header);
  const auto write = [&](size_t place, const auto& value) {
    copy_to_task(around_.call.tid(), request_.entry.addr + place, &value, sizeof value);
  };
  if (header.msg_name != nullptr) write(offsetof(msghdr, msg_namelen), header.msg_namelen);
  write(offsetof(msghdr, msg_controllen), header.msg_controllen);
  write(offsetof(msghdr, msg_flags), header.msg_flags);
}

int64_t Executor::transfer() {
  const io_uring_sqe& entry = request_.entry;
  if (entry.off != 0 && entry.off != UINT64_MAX) return -ESPIPE;
  if (entry.opcode == IORING_OP_READV || entry.opcode == IORING_OP_WRITEV) {
    return call_nonblocking(entry.opcode == IORING_OP_READV ? SYS_readv : SYS_writev, request_.vector, entry.len);
  }
  uint64_t address = entry.addr, size = entry.len;
  if ((entry.flags & IOSQE_BUFFER_SELECT) != 0) {
    if (!choose_buffer()) return -ENOBUFS;
    address = buffer_.address;
    size = entry.len == 0 ? buffer_.size : std::min(buffer_.size, entry.len);
  }
  return call_nonblocking(entry.opcode == IORING_OP_READ ? SYS_read : SYS_write, address, size);
}

int64_t Executor::connect() {
  const int64_t result = call_nonblocking(SYS_connect, request_.address, request_.entry.addr2);
  if (result == -EINPROGRESS) request_.is_connecting = true;
  if (result == -EINPROGRESS || (request_.is_connecting && result == -EALREADY)) return -EAGAIN;
  return request_.is_connecting && result == -EISCONN ? -option(SO_ERROR) : result;
}

int64_t Executor::accept() {
  if (!around_.wait_for_number()) {
    wake_ = Wake::Cancelled;
    return 0;
  }
  const io_uring_sqe& entry = request_.entry;
  const int64_t result = call_nonblocking(SYS_accept4, entry.addr, entry.addr2, entry.accept_flags);
  if (result >= 0 && option(SO_PROTOCOL) == IPPROTO_TCP && (lxnet_file_poll(request_.context.file) & POLLIN) != 0) {
    request_.flags |= IORING_CQE_F_SOCK_NONEMPTY;
  }
  return result;
}

int64_t Executor::poll() {
  const auto asked = static_cast<short>(request_.entry.poll32_events) | kAlwaysTold;
  const uint32_t ready = lxnet_file_poll(request_.context.file) & (static_cast<uint16_t>(asked) | POLLERR | POLLHUP | POLLNVAL);
  return ready != 0 ? static_cast<int64_t>(ready) : -EAGAIN;
}

// Linux tells of each event once, as an edge-triggered set of epoll does. It ends with an error or by being cancelled.
bool Executor::poll_again_and_again() {
  constexpr auto kSet = static_cast<uint64_t>(RequestContext::kSetNumber);
  Window& window = request_.context.window;
  int64_t result = call(SYS_epoll_create1, 0);
  if (result >= 0) {
    window.set(request_.address, epoll_event{.events = events() | EPOLLET, .data = {}});
    result = call(SYS_epoll_ctl, kSet, EPOLL_CTL_ADD, static_cast<uint64_t>(request_.context.number), request_.address);
  }
  if (result < 0) {
    finish(result);
    return true;
  }
  int spins = 0;
  while (++spins % kMostSpins != 0 || pause()) {
    result = call(SYS_epoll_pwait, kSet, request_.address, 1, UINT64_MAX, 0, 8);
    if (!around_.may_go_on() || result < 0) break;
    const uint32_t ready = result == 0 ? 0 : window.get<epoll_event>(request_.address).events;
    if (ready != 0) around_.post(static_cast<int32_t>(ready), IORING_CQE_F_MORE);
  }
  request_.result = kCanceled;
  request_.has_failed = true;
  return false;
}

uint32_t Executor::events() const {
  const io_uring_sqe& entry = request_.entry;
  if (entry.opcode == IORING_OP_POLL_ADD) return (entry.poll32_events & 0xffff) | static_cast<uint32_t>(kAlwaysTold);
  const bool reads = is_receive(entry.opcode) || entry.opcode == IORING_OP_ACCEPT || entry.opcode == IORING_OP_READ ||
                     entry.opcode == IORING_OP_READV;
  if (!reads) return POLLOUT;
  return is_receive(entry.opcode) && (entry.msg_flags & MSG_ERRQUEUE) != 0 ? 0 : POLLIN;
}

bool Executor::wait(uint32_t events) {
  Window& window = request_.context.window;
  const pollfd file = {.fd = request_.context.number, .events = static_cast<short>(events), .revents = 0};
  window.set(request_.polled, file);
  uint64_t time = 0;
  if (around_.deadline != kNever) {
    const int64_t left = std::max<int64_t>(0, around_.deadline - now_nanos());
    time = request_.polled + sizeof file;
    window.set(time, __kernel_timespec{.tv_sec = left / kSecond, .tv_nsec = left % kSecond});
  }
  const int64_t ready = call(SYS_ppoll, request_.polled, 1, time, 0, 8);
  wake_ = !around_.may_go_on() || ready < 0 ? Wake::Cancelled : ready == 0 ? Wake::TimedOut : Wake::Ready;
  return wake_ == Wake::Ready;
}

// Others must have their turn, whatever is ready.
bool Executor::pause() {
  around_.fibers.park(std::min(around_.deadline, now_nanos() + kMillisecond), true);
  if (!around_.may_go_on()) wake_ = Wake::Cancelled;
  return wake_ != Wake::Cancelled;
}

bool Executor::must_not_wait() const {
  const io_uring_sqe& entry = request_.entry;
  if (is_send(entry.opcode) || is_receive(entry.opcode)) return (entry.msg_flags & MSG_DONTWAIT) != 0;
  if (is_transfer(entry.opcode)) return (entry.rw_flags & kReadNoWait) != 0;
  return entry.opcode == IORING_OP_ACCEPT && (entry.ioprio & kAcceptDontWait) != 0;
}

bool Executor::is_multishot() const {
  const io_uring_sqe& entry = request_.entry;
  if (entry.opcode == IORING_OP_ACCEPT) return (entry.ioprio & IORING_ACCEPT_MULTISHOT) != 0;
  return is_receive(entry.opcode) && (entry.ioprio & IORING_RECV_MULTISHOT) != 0;
}

uint64_t Executor::wanted() const {
  const io_uring_sqe& entry = request_.entry;
  if (request_.header == 0) {
    const bool has_buffer = (entry.flags & IOSQE_BUFFER_SELECT) != 0;
    return has_buffer ? (entry.len == 0 ? buffer_.size : std::min(buffer_.size, entry.len)) : entry.len;
  }
  Window window = request_.context.window;
  const auto header = window.get<msghdr>(request_.header);
  uint64_t total = done_;
  for (size_t i = 0; i < header.msg_iovlen; i++) total += window.get<iovec>(request_.vector + i * sizeof(iovec)).iov_len;
  return total;
}

// MSG_WAITALL on a stream: what came short is continued.
bool Executor::go_on_with_the_rest(int64_t result) {
  const io_uring_sqe& entry = request_.entry;
  if (!(is_send(entry.opcode) || is_receive(entry.opcode)) || (entry.msg_flags & MSG_WAITALL) == 0 || result <= 0) return false;
  const auto moved = static_cast<uint64_t>(result);
  if (done_ + moved >= wanted() || !is_stream()) return false;
  if (request_.header != 0) {
    Window& window = request_.context.window;
    auto header = window.get<msghdr>(request_.header);
    if (entry.opcode == IORING_OP_RECVMSG && header.msg_controllen != 0) return false;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    window.set(request_.header, header);
    uint64_t left = moved;
    for (size_t i = 0; i < header.msg_iovlen; i++) {
      auto one = window.get<iovec>(request_.vector + i * sizeof(iovec));
      const size_t step = std::min<uint64_t>(left, one.iov_len);
      one = {.iov_base = static_cast<char*>(one.iov_base) + step, .iov_len = one.iov_len - step};
      window.set(request_.vector + i * sizeof(iovec), one);
      left -= step;
    }
  }
  done_ += moved;
  return !must_not_wait();
}

void Executor::finish(int64_t result) {
  const io_uring_sqe& entry = request_.entry;
  const bool moves = is_send(entry.opcode) || is_receive(entry.opcode);
  const bool wants_all = moves && (entry.msg_flags & MSG_WAITALL) != 0;
  const uint64_t all = wants_all ? wanted() : 0;
  request_.has_failed = result < 0 || (wants_all && done_ + static_cast<uint64_t>(result) < all);
  if (is_transfer(entry.opcode) && result >= 0) {
    uint64_t asked = entry.len;
    if (request_.vector != 0) {
      asked = 0;
      for (uint32_t i = 0; i < entry.len; i++)
        asked += request_.context.window.get<iovec>(request_.vector + i * sizeof(iovec)).iov_len;
    }
    request_.has_failed = static_cast<uint64_t>(result) != asked;
  }
  if (done_ != 0) result = static_cast<int64_t>(done_) + std::max<int64_t>(result, 0);
  request_.result = static_cast<int32_t>(result);
  if (is_receive(entry.opcode) && request_.result >= 0 && has_more()) request_.flags |= IORING_CQE_F_SOCK_NONEMPTY;
  if ((entry.flags & IOSQE_BUFFER_SELECT) != 0 && request_.result > 0) {
    around_.buffers->take(entry.buf_group);
    request_.flags |= IORING_CQE_F_BUFFER | uint32_t{buffer_.id} << IORING_CQE_BUFFER_SHIFT;
  }
  if (is_zero_copy(entry.opcode)) post_zero_copy(request_.result);
}

// Two completions: of the sending, and that the buffer is free again. Here it is copied.
void Executor::post_zero_copy(int64_t result) {
  const bool reports = (request_.entry.ioprio & IORING_SEND_ZC_REPORT_USAGE) != 0;
  around_.post(static_cast<int32_t>(result), IORING_CQE_F_MORE);
  request_.result = reports ? static_cast<int32_t>(IORING_NOTIF_USAGE_ZC_COPIED) : 0;
  request_.flags = IORING_CQE_F_NOTIF;
}

int64_t Executor::option(int name) {
  const uint64_t value = request_.scratch, size = request_.scratch + sizeof(int);
  Window& window = request_.context.window;
  window.set(value, 0);
  window.set(size, static_cast<int>(sizeof(int)));
  call(SYS_getsockopt, static_cast<uint64_t>(request_.context.number), SOL_SOCKET, static_cast<uint64_t>(name), value, size);
  return window.get<int>(value);
}

bool Executor::is_stream() {
  const int64_t type = option(SO_TYPE);
  return type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

// What Linux tells with IORING_CQE_F_SOCK_NONEMPTY: of TCP, where the end of the stream counts too, and of AF_UNIX's streams.
bool Executor::has_more() {
  if (option(SO_TYPE) != SOCK_STREAM) return false;
  const bool is_unix = option(SO_DOMAIN) == AF_UNIX, is_tcp = option(SO_PROTOCOL) == IPPROTO_TCP;
  if (!is_unix && !is_tcp) return false;
  if (is_tcp && (lxnet_file_poll(request_.context.file) & POLLRDHUP) != 0) return true;
  request_.context.window.set(request_.scratch, 0);
  call(SYS_ioctl, static_cast<uint64_t>(request_.context.number), FIONREAD, request_.scratch);
  return request_.context.window.get<int>(request_.scratch) > 0;
}

bool Executor::choose_buffer() {
  if (done_ != 0) return true;
  const auto next = around_.buffers->next(request_.entry.buf_group, around_.call.tid());
  if (next) buffer_ = *next;
  return next.has_value();
}

}  // namespace lxnet::host::uring
