// Somebody who blocks in a call: a thread, or a process that shares the descriptors. await_sleep() returns when it sleeps, so
// that what happens next wakes it.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {

// Whether the thread is in the kernel and waits: S natively, D or S while another answers its call.
inline bool is_asleep(int tid) {
  char text[512] = {};
  const Fd file(::open(("/proc/" + std::to_string(tid) + "/stat").c_str(), O_RDONLY));
  if (::read(file, text, sizeof text - 1) <= 0) return true;
  const char* name_end = std::strrchr(text, ')');
  return name_end == nullptr || std::strchr("SDZ", name_end[2]) != nullptr;
}

// Once may be a lock on the way; a few looks in a row are the call itself.
inline void await_sleep_of(int tid) {
  for (int looks = 0; looks < 3;) {
    looks = is_asleep(tid) ? looks + 1 : 0;
    ::usleep(100);
  }
}

class BlockedThread {
 public:
  explicit BlockedThread(std::function<long()> call)
      : thread_([this, call = std::move(call)] {
          tid_ = static_cast<int>(::syscall(SYS_gettid));
          result_ = call();
          is_done_ = true;
        }) {}
  ~BlockedThread() {
    if (thread_.joinable()) thread_.join();
  }
  void await_sleep() {
    while (tid_ == 0) ::sched_yield();
    await_sleep_of(tid_);
  }
  int tid() const { return tid_; }
  pthread_t native() { return thread_.native_handle(); }
  bool is_done() const { return is_done_; }
  long result() {
    thread_.join();
    return result_;
  }

 private:
  std::atomic<int> tid_ = 0;
  std::atomic<bool> is_done_ = false;
  long result_ = 0;
  std::thread thread_;
};

class BlockedProcess {
 public:
  explicit BlockedProcess(const std::function<long()>& call) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    from_ = Fd(ends[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::write(ends[1], "", 1);
      const long result = call();
      ::write(ends[1], &result, sizeof result);
      ::_exit(0);
    }
    ::close(ends[1]);
  }
  ~BlockedProcess() {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  void await_sleep() {
    char started;
    ::read(from_, &started, 1);
    await_sleep_of(pid_);
  }
  pid_t pid() const { return pid_; }
  bool has_result() const { return poll_now(from_, POLLIN) != 0; }
  long result() {
    long result = -EPIPE;
    ::read(from_, &result, sizeof result);
    return result;
  }

 private:
  Fd from_;
  pid_t pid_ = -1;
};

}  // namespace conformance
