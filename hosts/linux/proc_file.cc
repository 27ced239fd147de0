#include "hosts/linux/proc_file.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "hosts/linux/inspect/crypto_list.hh"
#include "hosts/linux/inspect/proc_net.hh"

namespace lxnet::host {
namespace {

constexpr std::string_view kProc = "/proc/";
constexpr size_t kLongestTunable = 4096;

bool take(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  path.remove_prefix(prefix.size());
  return true;
}

bool take_number(std::string_view& path) {
  size_t digits = 0;
  while (digits < path.size() && absl::ascii_isdigit(static_cast<unsigned char>(path[digits]))) digits++;
  if (digits == 0 || digits == path.size() || path[digits] != '/') return false;
  path.remove_prefix(digits + 1);
  return true;
}

// A file of its own at every opening, read-only as Linux's is.
OwnedFd snapshot_of(const std::string& text) {
  OwnedFd file(::memfd_create("proc", MFD_CLOEXEC));
  if (!file.is_open() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return OwnedFd();
  ::fchmod(file.get(), 0444);
  return OwnedFd(::open(absl::StrCat("/proc/self/fd/", file.get()).c_str(), O_RDONLY | O_CLOEXEC));
}

std::string tunable_text(lxnet_stack* stack, const std::string& name) {
  char text[kLongestTunable];
  int size = lxnet_tunable_get(stack, name.c_str(), text, sizeof text);
  return size < 0 ? "" : std::string(text, std::min(static_cast<size_t>(size), sizeof text));
}

bool is_tunable(lxnet_stack* stack, const std::string& name) { return lxnet_tunable_get(stack, name.c_str(), nullptr, 0) >= 0; }

// Absent when there is no such file of ours.
std::optional<std::string> text_of(const ProcPath& path, lxnet_stack* stack, const FileTable& files) {
  switch (path.kind) {
    case ProcPath::Kind::Net:
      return proc_net_text(stack, files, path.name);
    case ProcPath::Kind::Crypto:
      return lxnet_serves_family(stack, AF_ALG) ? std::optional(crypto_text(stack)) : std::nullopt;
    case ProcPath::Kind::Tunable:
      break;
  }
  return is_tunable(stack, path.name) ? std::optional(tunable_text(stack, path.name)) : std::nullopt;
}

}  // namespace

ProcPath parse_proc_path(std::string_view path) {
  if (!take(path, kProc)) return {};
  if (path == "crypto") return {ProcPath::Kind::Crypto, "crypto"};
  if (take(path, "sys/net/")) {
    std::string name = "net." + std::string(path);
    std::replace(name.begin(), name.end(), '/', '.');
    // AF_UNIX may be the host kernel's.
    return path.empty() || path.ends_with('/') || path.starts_with("unix/") ? ProcPath{}
                                                                            : ProcPath{ProcPath::Kind::Tunable, name};
  }
  bool is_of_process = take(path, "self/") || take(path, "thread-self/") || take_number(path);
  if (is_of_process && take(path, "task/") && !take_number(path)) return {};
  if (!take(path, "net/") || path.empty()) return {};
  if (path.find('/') != std::string_view::npos && path != "stat/nf_conntrack") return {};
  return {ProcPath::Kind::Net, std::string(path)};
}

std::string TunableFile::text() const {
  std::string text = tunable_text(stack_, name_);
  return offset_ < text.size() ? text.substr(offset_) : "";
}

int64_t TunableFile::write(const std::string& text) {
  // Linux's: who does not write from the start writes nothing, successfully.
  if (offset_ == 0) {
    if (int error = lxnet_tunable_set(stack_, name_.c_str(), text.c_str()); error < 0) return error;
  }
  offset_ += text.size();
  return static_cast<int64_t>(text.size());
}

ProcOpening open_proc_file(const OpenRequest& request, lxnet_stack* stack, const FileTable& files,
                           const std::function<bool()>& may_configure) {
  ProcOpening opening;
  ProcPath path = parse_proc_path(request.path);
  if (path.name.empty() || (request.flags & O_PATH) != 0) return opening;
  const bool is_tunable_path = path.kind == ProcPath::Kind::Tunable;
  std::optional<std::string> text = text_of(path, stack, files);
  const bool exists = text.has_value();
  if (!is_tunable_path && !exists && !(path.kind == ProcPath::Kind::Net && is_hidden_proc_net(path.name))) return opening;
  // A directory of tunables is the kernel's.
  struct stat status;
  if (is_tunable_path && !exists && ::stat(request.path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return opening;
  }
  opening.is_ours = true;
  opening.is_cloexec = (request.flags & O_CLOEXEC) != 0;
  const bool writes = (request.flags & O_ACCMODE) != O_RDONLY;
  if (!exists) {
    opening.error = -ENOENT;
  } else if ((request.flags & O_DIRECTORY) != 0) {
    opening.error = -ENOTDIR;
  } else if ((request.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
    opening.error = -EEXIST;
  } else if ((writes || (path.kind == ProcPath::Kind::Net && is_private_proc_net(path.name))) && !may_configure()) {
    opening.error = -EACCES;
  } else if (writes && is_tunable_path) {
    opening.tunable = std::make_unique<TunableFile>(stack, path.name);
  } else {
    opening.snapshot = snapshot_of(*text);
    if (!opening.snapshot.is_open()) opening.error = -ENOMEM;
  }
  return opening;
}

}  // namespace lxnet::host
