#include "hosts/packetdrill/settings.hh"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace lxnet::packetdrill {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// packetdrill's own words, without the program's name.
std::vector<std::string> command_line() {
  std::istringstream text(read_file("/proc/self/cmdline"));
  std::vector<std::string> words;
  for (std::string word; std::getline(text, word, '\0');) words.push_back(word);
  if (!words.empty()) words.erase(words.begin());
  return words;
}

// "--name=value" or "--name value" anywhere in `words`; the last one counts.
std::string option(const std::vector<std::string>& words, const std::string& name) {
  std::string value;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--" + name && i + 1 < words.size()) value = words[i + 1];
    if (words[i].rfind("--" + name + "=", 0) == 0) value = words[i].substr(name.size() + 3);
  }
  return value;
}

// The options at the script's head, a line or more of --name=value before anything happens.
std::vector<std::string> script_options(const std::vector<std::string>& words) {
  std::vector<std::string> options;
  if (words.empty() || words.back().rfind("-", 0) == 0) return options;
  std::istringstream text(read_file(words.back()));
  for (std::string line; std::getline(text, line);) {
    std::istringstream parts(line);
    for (std::string part; parts >> part;) {
      if (part.rfind("//", 0) == 0 || part[0] == '#') break;
      if (part.rfind("--", 0) == 0) options.push_back(part);
    }
  }
  return options;
}

[[noreturn]] void refuse(const std::string& what) {
  fprintf(stderr, "lxnet: --so_flags: %s\n", what.c_str());
  exit(1);
}

void apply_flag(Settings& settings, const std::string& flag) {
  const size_t equals = flag.find('=');
  if (equals == std::string::npos) refuse("'" + flag + "' has no '='");
  const std::string name = flag.substr(0, equals);
  std::string value = flag.substr(equals + 1);
  if (name == "seed") {
    settings.seed = strtoull(value.c_str(), nullptr, 0);
  } else if (name == "mtu") {
    settings.mtu = static_cast<uint32_t>(strtoul(value.c_str(), nullptr, 10));
  } else if (name == "tunables" && (value == "own" || value == "host")) {
    settings.follows_host = value == "host";
  } else if (name.rfind("net.", 0) == 0) {
    std::replace(value.begin(), value.end(), ':', ' ');
    settings.tunables.emplace_back(name, value);
  } else {
    refuse("'" + flag + "' is not seed=N, mtu=N, tunables=own or net.NAME=VALUE");
  }
}

}  // namespace

Settings read_settings(const char* flags) {
  Settings settings;
  std::vector<std::string> words = command_line();
  for (std::string& word : script_options(words)) words.push_back(std::move(word));
  const std::string mtu = option(words, "mtu");
  if (!mtu.empty() && atoi(mtu.c_str()) > 0) settings.mtu = static_cast<uint32_t>(atoi(mtu.c_str()));
  // A script is content with the segments of a large packet one by one, unless it says otherwise.
  settings.segments_tcp = std::find(words.begin(), words.end(), "--strict_segments") != words.end();
  const std::string local = option(words, "local_ip");
  const bool is_ipv6 = local.find(':') != std::string::npos;
  settings.addresses.push_back((local.empty() || is_ipv6 ? "192.168.0.2" : local) + "/16");
  settings.addresses.push_back((is_ipv6 ? local : "fd3d:fa7b:d17d::2") + "/48");
  for (const auto& [name, part] :
       {std::pair{"remote_ip", &Settings::Way::destination}, {"gateway_ip", &Settings::Way::gateway}}) {
    const std::string value = option(words, name);
    if (!value.empty()) settings.ways[value.find(':') != std::string::npos].*part = value;
  }
  std::istringstream text(flags == nullptr ? "" : flags);
  for (std::string part; std::getline(text, part, ',');) {
    std::istringstream parts(part);
    for (std::string flag; parts >> flag;) apply_flag(settings, flag);
  }
  return settings;
}

}  // namespace lxnet::packetdrill
