#include "hosts/linux/signal_file.hh"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {
namespace {

std::string read_fdinfo(int fd) {
  OwnedFd file(::open(absl::StrCat("/proc/self/fdinfo/", fd).c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  ssize_t size = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

}  // namespace

std::optional<uint64_t> signals_of_signalfd(int fd) {
  char kind[32] = {};
  if (::readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), kind, sizeof kind - 1) <= 0) return std::nullopt;
  if (std::string(kind) != "anon_inode:[signalfd]") return std::nullopt;
  constexpr char kField[] = "sigmask:";
  std::string text = read_fdinfo(fd);
  size_t at = text.find(kField);
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(text.c_str() + at + sizeof kField - 1, nullptr, 16);
}

bool is_watching_anything(int epoll_fd) { return read_fdinfo(epoll_fd).find("tfd:") != std::string::npos; }

}  // namespace lxnet::host
