#include "hosts/linux/process_status.hh"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {
namespace {

// Reads up to `count` numbers that follow on the line; returns how many there were.
template <typename Store>
void each_number(const char* text, int base, Store store) {
  for (;;) {
    while (*text == ' ' || *text == '\t') text++;
    char* end;
    uint64_t number = std::strtoull(text, &end, base);
    if (end == text) return;
    store(number);
    text = end;
  }
}

void parse_line(std::string_view name, const char* value, ProcessStatus& status) {
  auto numbers = [&](int base, auto... fields) {
    size_t index = 0;
    each_number(value, base, [&](uint64_t number) {
      size_t i = 0;
      ((i++ == index ? (void)(*fields = static_cast<std::remove_pointer_t<decltype(fields)>>(number)) : (void)0), ...);
      index++;
    });
  };
  if (name == "Tgid") numbers(10, &status.tgid);
  // From our namespace inwards.
  if (name == "NStgid") each_number(value, 10, [&](uint64_t number) { status.own_tgid = static_cast<pid_t>(number); });
  if (name == "NSpid") each_number(value, 10, [&](uint64_t number) { status.own_tid = static_cast<pid_t>(number); });
  if (name == "Umask") numbers(8, &status.umask);
  if (name == "Uid") numbers(10, &status.uid, &status.euid, &status.saved_uid, &status.fsuid);
  if (name == "Gid") numbers(10, &status.gid, &status.egid, &status.saved_gid, &status.fsgid);
  if (name == "Groups") {
    each_number(value, 10, [&](uint64_t group) { status.groups.push_back(static_cast<uint32_t>(group)); });
  }
  if (name == "FDSize") numbers(10, &status.fd_table_size);
  if (name == "Threads") numbers(10, &status.threads);
  if (name == "SigPnd") numbers(16, &status.pending);
  if (name == "ShdPnd") numbers(16, &status.shared_pending);
  if (name == "SigBlk") numbers(16, &status.blocked);
  if (name == "NoNewPrivs") numbers(10, &status.has_no_new_privileges);
  if (name == "CapEff") numbers(16, &status.effective_capabilities);
}

}  // namespace

std::optional<ProcessStatus> read_process_status_at(int status_fd) {
  std::string text(4096, '\0');
  ssize_t size = ::pread(status_fd, text.data(), text.size() - 1, 0);
  // A process in very many groups has a longer file.
  while (size == static_cast<ssize_t>(text.size()) - 1) {
    text.assign(text.size() * 4, '\0');
    size = ::pread(status_fd, text.data(), text.size() - 1, 0);
  }
  if (size <= 0) return std::nullopt;
  ProcessStatus status;
  for (char* line = text.data(); line != nullptr && *line != '\0';) {
    char* end = std::strchr(line, '\n');
    if (end != nullptr) *end++ = '\0';
    if (char* colon = std::strchr(line, ':')) {
      parse_line({line, static_cast<size_t>(colon - line)}, colon + 1, status);
    }
    line = end;
  }
  return status;
}

std::optional<ProcessStatus> read_process_status(pid_t tid) {
  OwnedFd fd(::open(absl::StrCat("/proc/", tid, "/status").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  return read_process_status_at(fd.get());
}

uint32_t read_personality(pid_t tid) {
  OwnedFd file(::open(absl::StrCat("/proc/", tid, "/personality").c_str(), O_RDONLY | O_CLOEXEC));
  char text[16] = {};
  if (!file.is_open() || ::read(file.get(), text, sizeof text - 1) <= 0) return 0;
  return static_cast<uint32_t>(std::strtoul(text, nullptr, 16));
}

// A header, then a line a limit in the order of their numbers: the name in 26 columns, the soft limit, the hard one.
std::optional<uint64_t> read_soft_limit(pid_t tid, int resource) {
  constexpr size_t kNameWidth = 26;
  OwnedFd file(::open(absl::StrCat("/proc/", tid, "/limits").c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  ssize_t size = file.is_open() ? ::read(file.get(), text.data(), text.size() - 1) : -1;
  if (size <= 0) return std::nullopt;
  const char* line = text.c_str();
  for (int i = 0; i <= resource; i++) {
    line = std::strchr(line, '\n');
    if (line == nullptr) return std::nullopt;
    line++;
  }
  if (std::strlen(line) < kNameWidth) return std::nullopt;
  if (std::strncmp(line + kNameWidth, "unlimited", 9) == 0) return RLIM64_INFINITY;
  return std::strtoull(line + kNameWidth, nullptr, 10);
}

}  // namespace lxnet::host
