#include "hosts/packetdrill/host_tunables.hh"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace lxnet::packetdrill {
namespace {

const std::string kRoot = "/proc/sys/";

std::string read_tunable(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr char kCongestionControl[] = "/proc/sys/net/ipv4/tcp_congestion_control";

}  // namespace

void HostTunables::stand_in_for_congestion_control() {
  const std::string value = read_tunable(kCongestionControl);
  if (value.empty() || unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
  char name[] = "/tmp/lxnet-packetdrill-XXXXXX";
  const int fd = mkstemp(name);
  if (fd < 0) return;
  if (write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size())) {
    static_cast<void>(mount(name, kCongestionControl, nullptr, MS_BIND, nullptr));
  }
  close(fd);
  unlink(name);
}

void HostTunables::follow() {
  for (const char* folder : {"net/core", "net/ipv4", "net/ipv4/route", "net/ipv6"}) follow_folder(folder);
}

void HostTunables::follow_folder(const std::string& folder) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(kRoot + folder, error)) {
    if (!file.is_regular_file(error)) continue;
    std::string name = file.path().string().substr(kRoot.size());
    std::replace(name.begin(), name.end(), '/', '.');
    // Only what the stack obeys is read: some files say all zeros, or flush a cache.
    char unused[256];
    if (lxnet_tunable_get(stack_, name.c_str(), unused, sizeof unused) < 0) continue;
    std::string value = read_tunable(file.path());
    if (value.empty() || seen_[name] == value) continue;
    static_cast<void>(lxnet_tunable_set(stack_, name.c_str(), value.c_str()));
    seen_[name] = std::move(value);
  }
}

}  // namespace lxnet::packetdrill
