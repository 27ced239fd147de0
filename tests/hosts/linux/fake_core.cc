// A core of one page for testing the supervisor: datagram sockets of 127.0.0.1 in one mailbox table, poll, and the flags. It is
// what lxnet.h promises, as small as possible; natively the same test programs run on Linux's own UDP.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "hal/lxnet.h"

struct lxnet_file {
  lxnet_stack* stack;
  int count = 1;
  int flags = O_RDWR;
  uint16_t port = 0, peer = 0;
  int64_t receive_timeout = INT64_MAX;
  std::deque<std::pair<uint16_t, std::string>> mailbox = {};
  std::vector<lxnet_task*> readers = {};
};

struct lxnet_poll_waiter {
  lxnet_stack* stack;
  lxnet_task* task;
};

struct lxnet_stack {
  lxnet_hal hal;
  bool is_up;
  std::map<uint16_t, lxnet_file*> ports;

  int copy_in(void* to, uint64_t from, size_t size) { return hal.copy_from_user(hal.ctx, to, from, size) == 0 ? 0 : -EFAULT; }
  int copy_out(uint64_t to, const void* from, size_t size) {
    return hal.copy_to_user(hal.ctx, to, from, size) == 0 ? 0 : -EFAULT;
  }
};

namespace {

constexpr int64_t kRestartSys = -512, kRestartNoHand = -514, kRestartBlock = -516;

struct Held {
  lxnet_file* file;
  explicit Held(lxnet_file* held) : file(held) {}
  Held(const Held&) = delete;
  ~Held() {
    if (file != nullptr) lxnet_file_unref(file);
  }
};

void wake(lxnet_file& file) {
  for (lxnet_task* task : file.readers) file.stack->hal.unpark(file.stack->hal.ctx, task);
}

// Waits on all of the files for `deadline`; the answer is park()'s.
int wait_on(lxnet_stack& stack, const std::vector<lxnet_file*>& files, int64_t deadline) {
  lxnet_task* self = stack.hal.current_task(stack.hal.ctx);
  for (lxnet_file* file : files) file->readers.push_back(self);
  int answer = stack.hal.park(stack.hal.ctx, deadline, 1);
  for (lxnet_file* file : files) file->readers.erase(std::find(file->readers.begin(), file->readers.end(), self));
  return answer;
}

int64_t bind_port(lxnet_stack& stack, lxnet_file& file, uint16_t port) {
  if (file.port != 0) return -EINVAL;
  if (port == 0) {
    for (port = 40000; stack.ports.count(port) != 0;) port++;
  }
  if (!stack.ports.emplace(port, &file).second) return -EADDRINUSE;
  file.port = port;
  return 0;
}

int64_t read_port(lxnet_stack& stack, uint64_t address, uint64_t size, uint16_t* port) {
  sockaddr_in name = {};
  if (size < sizeof name) return -EINVAL;
  if (stack.copy_in(&name, address, sizeof name) != 0) return -EFAULT;
  *port = ntohs(name.sin_port);
  return 0;
}

int64_t write_port(lxnet_stack& stack, uint64_t address, uint64_t size_address, uint16_t port) {
  if (address == 0) return 0;
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  uint32_t size = sizeof name;
  if (stack.copy_out(address, &name, sizeof name) != 0) return -EFAULT;
  return stack.copy_out(size_address, &size, sizeof size);
}

int64_t do_socket(lxnet_stack& stack, uint64_t family, uint64_t type) {
  if (family != AF_INET) return -EAFNOSUPPORT;
  if ((type & 15) != SOCK_DGRAM) return -ENOSYS;
  auto* file = new lxnet_file{.stack = &stack};
  file->flags |= static_cast<int>(type & SOCK_NONBLOCK);
  int fd = stack.hal.install_fd(stack.hal.ctx, file, static_cast<uint32_t>(type & SOCK_CLOEXEC));
  if (fd < 0) lxnet_file_unref(file);
  return fd;
}

int64_t do_send(lxnet_stack& stack, lxnet_file& file, const uint64_t* a) {
  if (!stack.is_up) return -ENETUNREACH;
  uint16_t to = file.peer;
  if (a[4] != 0) {
    if (int64_t error = read_port(stack, a[4], a[5], &to); error != 0) return error;
  }
  if (to == 0) return -EDESTADDRREQ;
  std::string text(a[2], '\0');
  if (stack.copy_in(text.data(), a[1], text.size()) != 0) return -EFAULT;
  if (file.port == 0) bind_port(stack, file, 0);
  auto found = stack.ports.find(to);
  if (found != stack.ports.end()) {
    found->second->mailbox.emplace_back(file.port, text);
    wake(*found->second);
  }
  return static_cast<int64_t>(text.size());
}

int64_t do_receive(lxnet_stack& stack, lxnet_file& file, const uint64_t* a) {
  bool may_wait = (a[3] & MSG_DONTWAIT) == 0 && (file.flags & O_NONBLOCK) == 0;
  bool has_timeout = file.receive_timeout != INT64_MAX;
  int64_t deadline = has_timeout ? stack.hal.monotonic_nanos(stack.hal.ctx) + file.receive_timeout : INT64_MAX;
  while (file.mailbox.empty()) {
    if (!may_wait) return -EAGAIN;
    int answer = wait_on(stack, {&file}, deadline);
    if (answer == LXNET_PARK_INTERRUPTED) return has_timeout ? -EINTR : kRestartSys;
    if (answer == LXNET_PARK_TIMED_OUT) return -EAGAIN;
  }
  auto [from, text] = file.mailbox.front();
  file.mailbox.pop_front();
  size_t size = std::min<size_t>(text.size(), a[2]);
  if (stack.copy_out(a[1], text.data(), size) != 0) return -EFAULT;
  if (int64_t error = write_port(stack, a[4], a[5], from); error != 0) return error;
  return static_cast<int64_t>(size);
}

struct Polled {
  pollfd request;
  lxnet_file* file = nullptr;
  lxnet_foreign_file* foreign = nullptr;
};

class PollSet {
 public:
  PollSet(lxnet_stack& stack, uint64_t address, uint64_t count) : stack_(stack), address_(address) {
    std::vector<pollfd> requests(count);
    is_readable_ = stack.copy_in(requests.data(), address, count * sizeof(pollfd)) == 0;
    for (const pollfd& request : requests) {
      int error = 0;
      Polled entry{.request = request};
      if (request.fd >= 0) entry.file = stack.hal.find_fd(stack.hal.ctx, request.fd, &error);
      if (request.fd >= 0 && entry.file == nullptr) entry.foreign = stack.hal.foreign_get(stack.hal.ctx, request.fd);
      if (entry.file != nullptr) files_.push_back(entry.file);
      entries_.push_back(entry);
    }
  }
  PollSet(const PollSet&) = delete;
  ~PollSet() {
    for (lxnet_file* file : files_) lxnet_file_unref(file);
    for (const Polled& entry : entries_) {
      if (entry.foreign == nullptr) continue;
      stack_.hal.foreign_poll_cancel(stack_.hal.ctx, entry.foreign, &waiter_);
      stack_.hal.foreign_unref(stack_.hal.ctx, entry.foreign);
    }
  }

  int64_t run(int64_t timeout, int64_t interrupted) {
    if (!is_readable_) return -EFAULT;
    if (files_.empty()) return -ENOSYS;
    int64_t deadline = timeout < 0 ? INT64_MAX : stack_.hal.monotonic_nanos(stack_.hal.ctx) + timeout;
    waiter_ = {&stack_, stack_.hal.current_task(stack_.hal.ctx)};
    for (bool is_first = true;; is_first = false) {
      int64_t ready = look(is_first ? &waiter_ : nullptr);
      if (ready != 0 || timeout == 0) return ready;
      int answer = wait_on(stack_, files_, deadline);
      if (answer == LXNET_PARK_INTERRUPTED) return interrupted;
      if (answer == LXNET_PARK_TIMED_OUT) timeout = 0;
    }
  }

 private:
  int64_t look(lxnet_poll_waiter* waiter) {
    int64_t ready = 0;
    for (size_t i = 0; i < entries_.size(); i++) {
      Polled& entry = entries_[i];
      int64_t bits = entry.file != nullptr      ? lxnet_file_poll(entry.file)
                     : entry.foreign != nullptr ? stack_.hal.foreign_poll(stack_.hal.ctx, entry.foreign, waiter)
                     : entry.request.fd >= 0    ? POLLNVAL
                                                : 0;
      entry.request.revents = static_cast<short>(bits & (entry.request.events | POLLERR | POLLHUP | POLLNVAL));
      if (entry.request.revents != 0) ready++;
      if (stack_.copy_out(address_ + i * sizeof(pollfd), &entry.request, sizeof(pollfd)) != 0) return -EFAULT;
    }
    return ready;
  }

  lxnet_stack& stack_;
  uint64_t address_;
  bool is_readable_;
  std::vector<Polled> entries_;
  std::vector<lxnet_file*> files_;
  lxnet_poll_waiter waiter_ = {};
};

int64_t do_ppoll(lxnet_stack& stack, const uint64_t* a) {
  int64_t timeout = -1;
  if (a[2] != 0) {
    timespec time;
    if (stack.copy_in(&time, a[2], sizeof time) != 0) return -EFAULT;
    timeout = time.tv_sec * 1'000'000'000 + time.tv_nsec;
  }
  if (a[3] != 0) {
    uint64_t mask;
    if (stack.copy_in(&mask, a[3], sizeof mask) != 0) return -EFAULT;
    stack.hal.swap_signal_mask(stack.hal.ctx, mask);
  }
  return PollSet(stack, a[0], a[1]).run(timeout, kRestartNoHand);
}

int64_t do_fcntl(lxnet_file& file, const uint64_t* a) {
  auto command = static_cast<uint32_t>(a[1]);
  if (command == F_GETFL) return file.flags;
  if (command != F_SETFL) return -EINVAL;
  file.flags = (file.flags & ~O_NONBLOCK) | (static_cast<int>(a[2]) & O_NONBLOCK);
  return 0;
}

int64_t do_setsockopt(lxnet_stack& stack, lxnet_file& file, const uint64_t* a) {
  if (a[1] != SOL_SOCKET || a[2] != SO_RCVTIMEO) return -ENOPROTOOPT;
  timeval time;
  if (stack.copy_in(&time, a[3], sizeof time) != 0) return -EFAULT;
  file.receive_timeout = time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000;
  return 0;
}

// Numbers of x86-64.
int64_t on_file(lxnet_stack& stack, uint32_t number, lxnet_file& file, const uint64_t* a) {
  uint16_t port = 0;
  const uint64_t plain[6] = {a[0], a[1], a[2], 0, 0, 0};
  switch (number) {
    case 0:  // read
      return do_receive(stack, file, plain);
    case 1:  // write
      return do_send(stack, file, plain);
    case 42:  // connect
      if (int64_t error = read_port(stack, a[1], a[2], &port); error != 0) return error;
      file.peer = port;
      return 0;
    case 44:
      return do_send(stack, file, a);
    case 45:
      return do_receive(stack, file, a);
    case 49:  // bind
      if (int64_t error = read_port(stack, a[1], a[2], &port); error != 0) return error;
      return bind_port(stack, file, port);
    case 51:  // getsockname
      return write_port(stack, a[1], a[2], file.port);
    case 54:
      return do_setsockopt(stack, file, a);
    case 72:
      return do_fcntl(file, a);
    default:
      return -EOPNOTSUPP;
  }
}

// i386's direct calls of the same five.
int64_t do_i386(lxnet_stack& stack, uint32_t number, const uint64_t* a) {
  static const std::map<uint32_t, uint32_t> kNumbers = {{359, 41}, {361, 49}, {367, 51}, {369, 44}, {371, 45}};
  auto found = kNumbers.find(number);
  return found == kNumbers.end() ? -ENOSYS : lxnet_syscall(&stack, LXNET_ABI_X86_64, found->second, a);
}

// i386's socketcall(2): socket, bind, sendto, recvfrom, getsockname as their x86-64 numbers.
int64_t do_socketcall(lxnet_stack& stack, const uint64_t* a) {
  static const std::map<uint64_t, uint32_t> kNumbers = {{1, 41}, {2, 49}, {6, 51}, {11, 44}, {12, 45}};
  auto found = kNumbers.find(a[0]);
  if (found == kNumbers.end()) return -EINVAL;
  uint32_t words[6] = {};
  if (stack.copy_in(words, a[1], a[0] == 1 || a[0] == 2 || a[0] == 6 ? 12 : 24) != 0) return -EFAULT;
  uint64_t arguments[6];
  std::copy(words, words + 6, arguments);
  return lxnet_syscall(&stack, LXNET_ABI_X86_64, found->second, arguments);
}

}  // namespace

extern "C" {

int lxnet_stack_create(const lxnet_hal* hal, const lxnet_config* config, lxnet_stack** stack, const char**) {
  *stack = new lxnet_stack{.hal = *hal, .is_up = (config->flags & LXNET_CONFIG_LOOPBACK_DOWN) == 0, .ports = {}};
  return 0;
}
void lxnet_stack_destroy(lxnet_stack* stack) { delete stack; }

int64_t lxnet_syscall(lxnet_stack* stack, int abi, uint32_t number, const uint64_t a[6]) {
  if (abi == LXNET_ABI_I386) return number == 102 ? do_socketcall(*stack, a) : do_i386(*stack, number, a);
  if (number == 41) return do_socket(*stack, a[0], a[1]);
  if (number == 7) {
    int timeout = static_cast<int>(a[2]);
    return PollSet(*stack, a[0], a[1]).run(timeout < 0 ? -1 : timeout * int64_t{1'000'000}, kRestartBlock);
  }
  if (number == 271) return do_ppoll(*stack, a);
  if (number == 23 || number == 270 || number == 53 || number == 291 || number == 213) return -ENOSYS;
  int error = 0;
  Held held(stack->hal.find_fd(stack->hal.ctx, static_cast<int>(a[0]), &error));
  if (held.file == nullptr) return error == ENOTSOCK ? -ENOSYS : -error;
  return on_file(*stack, number, *held.file, a);
}

int lxnet_enable_epoll(lxnet_stack*) { return 0; }
int lxnet_enable_afunix(lxnet_stack*) { return 0; }
int lxnet_serves_family(lxnet_stack*, int family) { return family == AF_INET; }

void lxnet_timer_expire(lxnet_stack*) {}
int lxnet_tunable_set(lxnet_stack*, const char*, const char*) { return -ENOENT; }

void lxnet_file_ref(lxnet_file* file) { file->count++; }
void lxnet_file_unref(lxnet_file* file) {
  if (--file->count > 0) return;
  if (file->port != 0) file->stack->ports.erase(file->port);
  delete file;
}
uint32_t lxnet_file_poll(lxnet_file* file) {
  return POLLOUT | POLLWRNORM | (file->mailbox.empty() ? 0u : static_cast<uint32_t>(POLLIN | POLLRDNORM));
}
void lxnet_foreign_ready(lxnet_poll_waiter* waiter, uint32_t) { waiter->stack->hal.unpark(waiter->stack->hal.ctx, waiter->task); }

}  // extern "C"
