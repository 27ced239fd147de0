#include "tests/differential/sweep/sweep.hh"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sweep {
namespace {

constexpr uid_t kNobody = 65534;
volatile sig_atomic_t broken_pipes, urgents;

void on_signal(int signal) {
  if (signal == SIGPIPE) broken_pipes = broken_pipes + 1;
  if (signal == SIGURG) urgents = urgents + 1;
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

void Log::put(const std::string& subject, const std::string& answers) {
  text_ += prefix_ + subject + "\t" + answers + "\n";
  if (text_.size() > 60'000) flush();
}

void Log::flush() {
  for (size_t done = 0; done < text_.size();) {
    const ssize_t size = write(STDOUT_FILENO, text_.data() + done, text_.size() - done);
    if (size <= 0) _exit(3);
    done += static_cast<size_t>(size);
  }
  text_.clear();
}

Unprivileged::Unprivileged(bool is_wanted) : is_wanted_(is_wanted) {
  if (is_wanted_ && seteuid(kNobody) != 0) abort();
}
Unprivileged::~Unprivileged() {
  if (is_wanted_ && seteuid(0) != 0) abort();
}

std::string answer(long result) {
  if (result >= 0) return std::to_string(result);
  const char* name = strerrorname_np(errno);
  return name != nullptr ? name : "error " + std::to_string(errno);
}

std::string hex(const void* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", static_cast<const uint8_t*>(bytes)[i]);
    text += digits;
  }
  return text;
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGURG, &action, nullptr);
}

std::string signals() {
  std::string text;
  if (broken_pipes != 0) text += " SIGPIPE";
  if (urgents != 0) text += " SIGURG";
  broken_pipes = 0;
  urgents = 0;
  return text;
}

Edge::Edge() {
  constexpr size_t kPage = 4096;
  void* mapped = mmap(nullptr, kSize + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) abort();
  end_ = static_cast<uint8_t*>(mapped) + kSize;
  munmap(end_, kPage);
}

}  // namespace sweep
