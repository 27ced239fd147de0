// Files of /proc that show the network and the algorithms of AF_ALG: a program on lxnet is to see lxnet's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hal/lxnet.h"
#include "hosts/linux/open_request.hh"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

class FileTable;

// A path of /proc taken apart; empty `name`: it is none of ours.
struct ProcPath {
  enum class Kind : uint8_t { Net, Tunable, Crypto };
  Kind kind{};
  std::string name;  // "tcp", "net.ipv4.ip_forward", "crypto"
};
ProcPath parse_proc_path(std::string_view path);

// One opening of a tunable for writing: what read() and write() of it mean. Sizes or negative errnos.
class TunableFile {
 public:
  TunableFile(lxnet_stack* stack, std::string name) : stack_(stack), name_(std::move(name)) {}
  std::string text() const;  // from where the file stands
  int64_t write(const std::string& text);
  void advance(size_t size) { offset_ += size; }

 private:
  lxnet_stack* stack_;
  std::string name_;
  size_t offset_ = 0;
};

// What an open() of a program is to be answered with: a file descriptor's worth of text, a TunableFile, or an error.
struct ProcOpening {
  bool is_ours = false;
  int64_t error = 0;
  OwnedFd snapshot;
  std::unique_ptr<TunableFile> tunable;
  bool is_cloexec = false;
};
// `may_configure` is asked only when it is about writing, or about what not everybody may read.
ProcOpening open_proc_file(const OpenRequest& request, lxnet_stack* stack, const FileTable& files,
                           const std::function<bool()>& may_configure);

}  // namespace lxnet::host
