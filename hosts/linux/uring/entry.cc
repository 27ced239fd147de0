#include "hosts/linux/uring/entry.hh"

#include <sys/socket.h>

namespace lxnet::host::uring {
namespace {

constexpr uint8_t kKnownFlags = 0x7f;
constexpr uint32_t kSocketFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

constexpr uint32_t kReadNoWait = 8;  // RWF_NOWAIT

Verdict served_if(bool is_served) { return is_served ? Verdict::Served : Verdict::Refused; }

Verdict judge_send(const io_uring_sqe& entry) {
  if (entry.opcode == IORING_OP_SENDMSG && (entry.addr2 != 0 || entry.file_index != 0)) return Verdict::Left;
  if (entry.opcode == IORING_OP_SEND && entry.__pad3[0] != 0) return Verdict::Left;
  return served_if((entry.ioprio & ~IORING_RECVSEND_POLL_FIRST) == 0 && (entry.flags & IOSQE_BUFFER_SELECT) == 0);
}

Verdict judge_zero_copy(const io_uring_sqe& entry) {
  if (entry.addr3 != 0 || entry.__pad2[0] != 0 || (entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0) return Verdict::Left;
  if (entry.opcode == IORING_OP_SENDMSG_ZC && (entry.addr2 != 0 || entry.file_index != 0)) return Verdict::Left;
  return served_if((entry.ioprio & ~(IORING_RECVSEND_POLL_FIRST | IORING_SEND_ZC_REPORT_USAGE)) == 0);
}

Verdict judge_receive(const io_uring_sqe& entry) {
  if (entry.file_index != 0 || entry.addr2 != 0) return Verdict::Left;
  if ((entry.ioprio & IORING_RECV_MULTISHOT) != 0) {
    if ((entry.flags & IOSQE_BUFFER_SELECT) == 0 || (entry.msg_flags & MSG_WAITALL) != 0) return Verdict::Left;
    if (entry.opcode == IORING_OP_RECV && entry.len != 0) return Verdict::Refused;
  }
  return served_if((entry.ioprio & ~(IORING_RECVSEND_POLL_FIRST | IORING_RECV_MULTISHOT)) == 0);
}

Verdict judge_accept(const io_uring_sqe& entry) {
  if (entry.len != 0 || entry.buf_index != 0 || (entry.accept_flags & ~kSocketFlags) != 0) return Verdict::Left;
  if ((entry.ioprio & ~(IORING_ACCEPT_MULTISHOT | kAcceptDontWait | kAcceptPollFirst)) != 0) return Verdict::Left;
  return served_if(entry.file_index == 0);
}

Verdict judge_socket(const io_uring_sqe& entry) {
  constexpr uint64_t kTypeMask = 0xf;
  if (entry.ioprio != 0 || entry.addr != 0 || entry.rw_flags != 0 || entry.buf_index != 0) return Verdict::Left;
  if ((entry.off & ~kTypeMask & ~uint64_t{kSocketFlags}) != 0) return Verdict::Left;
  return served_if(entry.file_index == 0);
}

Verdict judge_address(const io_uring_sqe& entry) {
  const bool is_valid =
      entry.ioprio == 0 && entry.len == 0 && entry.buf_index == 0 && entry.rw_flags == 0 && entry.splice_fd_in == 0;
  return is_valid ? Verdict::Served : Verdict::Left;
}

Verdict judge_listen(const io_uring_sqe& entry) {
  const bool is_valid = entry.ioprio == 0 && entry.addr == 0 && entry.buf_index == 0 && entry.rw_flags == 0 &&
                        entry.splice_fd_in == 0 && entry.addr2 == 0;
  return is_valid ? Verdict::Served : Verdict::Left;
}

Verdict judge_shutdown(const io_uring_sqe& entry) {
  const bool is_valid = entry.ioprio == 0 && entry.off == 0 && entry.addr == 0 && entry.rw_flags == 0 && entry.buf_index == 0 &&
                        entry.splice_fd_in == 0;
  return is_valid ? Verdict::Served : Verdict::Left;
}

Verdict judge_transfer(const io_uring_sqe& entry) {
  const bool is_read = entry.opcode == IORING_OP_READ;
  return served_if(entry.ioprio == 0 && (entry.rw_flags & ~kReadNoWait) == 0 && entry.__pad2[0] == 0 &&
                   (is_read || (entry.flags & IOSQE_BUFFER_SELECT) == 0));
}

Verdict judge_poll(const io_uring_sqe& entry) {
  if (entry.ioprio != 0 || entry.buf_index != 0 || entry.off != 0 || entry.addr != 0) return Verdict::Left;
  const bool is_multishot = (entry.len & IORING_POLL_ADD_MULTI) != 0;
  if (is_multishot && (entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0) return Verdict::Left;
  return served_if((entry.len & ~IORING_POLL_ADD_MULTI) == 0);
}

Verdict judge_epoll(const io_uring_sqe& entry) {
  return entry.ioprio == 0 && entry.buf_index == 0 && entry.splice_fd_in == 0 ? Verdict::Served : Verdict::Left;
}

Verdict judge_form(const io_uring_sqe& entry) {
  switch (entry.opcode) {
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
      return judge_send(entry);
    case IORING_OP_SEND_ZC:
    case IORING_OP_SENDMSG_ZC:
      return judge_zero_copy(entry);
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG:
      return judge_receive(entry);
    case IORING_OP_ACCEPT:
      return judge_accept(entry);
    case IORING_OP_SOCKET:
      return judge_socket(entry);
    case IORING_OP_CONNECT:
    case kOpBind:
      return judge_address(entry);
    case kOpListen:
      return judge_listen(entry);
    case IORING_OP_SHUTDOWN:
      return judge_shutdown(entry);
    case IORING_OP_READ:
    case IORING_OP_WRITE:
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      return judge_transfer(entry);
    case IORING_OP_POLL_ADD:
      return judge_poll(entry);
    case IORING_OP_EPOLL_CTL:
      return judge_epoll(entry);
    case IORING_OP_READ_FIXED:
    case IORING_OP_WRITE_FIXED:
    case IORING_OP_SPLICE:
    case IORING_OP_URING_CMD:
    case kOpReadMultishot:
    case kOpRecvZc:
      return Verdict::Refused;
    default:
      return Verdict::Left;
  }
}

bool may_select_buffer(const io_uring_sqe& entry) {
  switch (entry.opcode) {
    case IORING_OP_READ:
    case IORING_OP_READV:
    case IORING_OP_RECV:
    case IORING_OP_RECVMSG:
    case IORING_OP_SEND:
    case kOpReadMultishot:
    case IORING_OP_URING_CMD:
      return true;
    default:
      return false;
  }
}

}  // namespace

Verdict judge(const io_uring_sqe& entry) {
  if ((entry.flags & ~kKnownFlags) != 0) return Verdict::Left;
  if ((entry.flags & IOSQE_BUFFER_SELECT) != 0 && !may_select_buffer(entry)) return Verdict::Left;
  const Verdict verdict = judge_form(entry);
  return verdict == Verdict::Served && entry.personality != 0 ? Verdict::Refused : verdict;
}

bool has_file(const io_uring_sqe& entry) { return entry.opcode != IORING_OP_SOCKET; }
bool is_linked(const io_uring_sqe& entry) { return (entry.flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) != 0; }
bool is_cancel(const io_uring_sqe& entry) {
  return entry.opcode == IORING_OP_ASYNC_CANCEL || entry.opcode == IORING_OP_POLL_REMOVE;
}

bool completes_once(const io_uring_sqe& entry) {
  if ((entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0) return false;
  switch (entry.opcode) {
    case IORING_OP_POLL_ADD:
      return entry.len == 0;
    case IORING_OP_TIMEOUT:  // which may be multishot
    case IORING_OP_MSG_RING:
    case IORING_OP_URING_CMD:
    case IORING_OP_SEND_ZC:
    case IORING_OP_SENDMSG_ZC:
    case kOpReadMultishot:
    case kOpRecvZc:
      return false;
    default:
      // Multishot ACCEPT, RECV and RECVMSG on a file of the kernel's.
      return entry.ioprio == 0;
  }
}

}  // namespace lxnet::host::uring
