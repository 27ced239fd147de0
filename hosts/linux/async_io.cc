#include "hosts/linux/async_io.hh"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "hosts/linux/call_table.hh"
#include "hosts/linux/file_table.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

// The head of struct aio_ring, which is what a context's number points to.
struct RingHead {
  uint32_t id, capacity, head, tail, magic;
};
constexpr uint32_t kRingMagic = 0xa10a10a1;

// What one call may cost, and what all contexts may have us keep: their heads are the program's to write.
constexpr int64_t kMostRequests = 1024;
constexpr size_t kMostEvents = 65536;  // fs.aio-max-nr

template <typename T>
bool read_memory(const Call& call, uint64_t address, T& value) {
  return copy_from_task(call.tid(), &value, address, sizeof value) == 0;
}

std::optional<size_t> find_capacity(const Call& call, uint64_t context) {
  RingHead head;
  if (!read_memory(call, context, head) || head.magic != kRingMagic) return std::nullopt;
  return std::min<size_t>(head.capacity, kMostEvents);
}

// What a request is as a call; absent: not one of a socket's.
std::optional<int> number_of(const iocb& request) {
  switch (request.aio_lio_opcode) {
    case IOCB_CMD_PREAD:
      return SYS_read;
    case IOCB_CMD_PWRITE:
      return SYS_write;
    case IOCB_CMD_PREADV:
      return SYS_readv;
    case IOCB_CMD_PWRITEV:
      return SYS_writev;
    default:
      return std::nullopt;
  }
}

// The program's eventfd, which a request wants told; EINVAL for what is none.
int64_t open_eventfd(const Call& call, const iocb& request, OwnedFd& fd) {
  fd = OwnedFd(call.task->copy_fd(static_cast<int>(request.aio_resfd)));
  if (!fd.is_open()) return -EBADF;
  char target[64] = {};
  if (::readlink(absl::StrCat("/proc/self/fd/", fd.get()).c_str(), target, sizeof target - 1) < 0) return -EINVAL;
  return std::string_view(target) == "anon_inode:[eventfd]" ? 0 : -EINVAL;
}

// One that is full is told nothing.
void add_one(const OwnedFd& fd) {
  pollfd entry = {.fd = fd.get(), .events = POLLOUT, .revents = 0};
  const uint64_t one = 1;
  if (::poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0) static_cast<void>(!::write(fd.get(), &one, sizeof one));
}

// Nobody restarts a request: those that a signal interrupted say so.
int64_t final_result(int64_t result) { return result <= -512 ? -EINTR : result; }

}  // namespace

bool AsyncIo::is_idle() const { return events_.empty() && files_.size() == 0; }

std::optional<int64_t> AsyncIo::serve(Call& call, const RunCall& run) {
  if (call.notice.data.arch != ::seccomp_arch_native()) return std::nullopt;
  const std::string_view name = call.row.name;
  if (name == "io_submit") return submit(call, run);
  if (name != "io_destroy") return collect(call);
  forget({call.task->process(), call.notice.data.args[0]});
  return std::nullopt;
}

void AsyncIo::forget(const Context& context) {
  const auto found = events_.find(context);
  if (found == events_.end()) return;
  held_ -= found->second.size();
  events_.erase(found);
}

void AsyncIo::forget_process(pid_t process) {
  for (auto at = events_.lower_bound({process, 0}); at != events_.end() && at->first.first == process;) forget((at++)->first);
}

std::optional<AsyncIo::Request> AsyncIo::read_request(const Call& call, int64_t index) {
  Request request;
  const uint64_t place = call.notice.data.args[2] + static_cast<uint64_t>(index) * sizeof request.address;
  if (!read_memory(call, place, request.address) || !read_memory(call, request.address, request.body)) return std::nullopt;
  return request;
}

bool AsyncIo::is_ours(Call& call, const Request& request) const {
  const auto fd = static_cast<int>(request.body.aio_fildes);
  int error = 0;
  const FileTable::Found found = files_.look_up(*call.task, fd, &error);
  call.found_fd = fd;
  call.found_file = found.file;
  call.found_tunable = found.tunable;
  return found.file != nullptr;
}

std::optional<int64_t> AsyncIo::submit(Call& call, const RunCall& run) {
  const uint64_t context = call.notice.data.args[0];
  const std::optional<size_t> capacity = find_capacity(call, context);
  const int64_t count = std::min(static_cast<int64_t>(call.notice.data.args[1]), kMostRequests);
  if (!capacity || count <= 0) return std::nullopt;
  std::optional<Request> request = read_request(call, 0);
  if (!request || !is_ours(call, *request)) return refuse_ours_behind(call, count);
  const Context key(call.task->process(), context);
  int64_t done = 0;
  for (; done < count; ++done) {
    if (done != 0) request = read_request(call, done);
    if (!request || !is_ours(call, *request)) break;
    io_event event;
    const bool has_room = held_ < kMostEvents && events_[key].size() < *capacity;
    const int64_t error = has_room ? submit_one(call, run, *request, event) : -EAGAIN;
    if (error != 0) return done != 0 ? done : error;
    events_[key].push_back(event);
    held_++;
  }
  return done;
}

// The kernel would take them for the descriptors that stand for our sockets.
std::optional<int64_t> AsyncIo::refuse_ours_behind(Call& call, int64_t count) {
  for (int64_t i = 1; i < count; ++i) {
    const std::optional<Request> request = read_request(call, i);
    if (!request) break;
    if (is_ours(call, *request)) return -EINVAL;
  }
  return std::nullopt;
}

// io_submit_one().
int64_t AsyncIo::submit_one(Call& call, const RunCall& run, const Request& request, io_event& event) {
  const iocb& body = request.body;
  if (body.aio_reserved2 != 0 || static_cast<int64_t>(body.aio_nbytes) < 0) return -EINVAL;
  OwnedFd told(-1);
  if ((body.aio_flags & IOCB_FLAG_RESFD) != 0) {
    if (int64_t error = open_eventfd(call, body, told); error != 0) return error;
  }
  const uint32_t key = 0;
  if (copy_to_task(call.tid(), request.address + offsetof(iocb, aio_key), &key, sizeof key) != 0) return -EFAULT;
  const std::optional<int> number = number_of(body);
  if (!number) return -EINVAL;
  if (body.aio_rw_flags != 0) return -EOPNOTSUPP;
  const uint64_t arguments[6] = {body.aio_fildes, body.aio_buf, body.aio_nbytes};
  // Sockets have no positions.
  const int64_t result = body.aio_offset != 0 ? -ESPIPE : final_result(run(*number, arguments));
  event = {.data = body.aio_data, .obj = request.address, .res = result, .res2 = 0};
  if (told.is_open()) add_one(told);
  return 0;
}

// What we have is given at once, the kernel's when it is asked next.
std::optional<int64_t> AsyncIo::collect(const Call& call) {
  const __u64* arguments = call.notice.data.args;
  const auto least = static_cast<int64_t>(arguments[1]), most = static_cast<int64_t>(arguments[2]);
  const auto found = events_.find({call.task->process(), arguments[0]});
  if (found == events_.end()) return std::nullopt;
  if (least < 0 || least > most) return -EINVAL;
  Events& events = found->second;
  int64_t given = 0;
  for (; given < most && !events.empty(); ++given) {
    const uint64_t place = arguments[3] + static_cast<uint64_t>(given) * sizeof(io_event);
    if (copy_to_task(call.tid(), place, &events.front(), sizeof(io_event)) != 0) {
      return given != 0 ? given : -EFAULT;
    }
    events.pop_front();
    held_--;
  }
  if (events.empty()) events_.erase(found);
  return given;
}

}  // namespace lxnet::host
