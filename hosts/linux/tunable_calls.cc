#include "hosts/linux/tunable_calls.hh"

#include <errno.h>
#include <linux/audit.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

// What Linux takes of one write to /proc/sys.
constexpr size_t kLongestWrite = 4095;

struct Piece {
  uint64_t address = 0;
  size_t size = 0;
};

template <typename Word>
bool read_vector(const Call& call, std::vector<Piece>& pieces) {
  std::vector<Word> words(2 * std::min<uint64_t>(call.notice.data.args[2], 1024));
  if (copy_from_task(call.tid(), words.data(), call.notice.data.args[1], words.size() * sizeof(Word)) != 0) return false;
  for (size_t i = 0; i < words.size(); i += 2) pieces.push_back({words[i], words[i + 1]});
  return true;
}

bool read_pieces(const Call& call, bool is_vector, std::vector<Piece>& pieces) {
  if (!is_vector) {
    pieces.push_back({call.notice.data.args[1], call.notice.data.args[2]});
    return true;
  }
  return call.notice.data.arch == AUDIT_ARCH_I386 ? read_vector<uint32_t>(call, pieces) : read_vector<uint64_t>(call, pieces);
}

int64_t read(const Call& call, TunableFile& file, const std::vector<Piece>& pieces) {
  std::string text = file.text();
  size_t done = 0;
  for (const Piece& piece : pieces) {
    size_t size = std::min(piece.size, text.size() - done);
    if (copy_to_task(call.tid(), piece.address, text.data() + done, size) != 0)
      return done == 0 ? -EFAULT : static_cast<int64_t>(done);
    file.advance(size);
    done += size;
  }
  return static_cast<int64_t>(done);
}

int64_t write(const Call& call, TunableFile& file, const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces) {
    std::string part(std::min(piece.size, kLongestWrite - text.size()), '\0');
    if (copy_from_task(call.tid(), part.data(), piece.address, part.size()) != 0) return -EFAULT;
    text += part;
  }
  return text.empty() ? 0 : file.write(text);
}

}  // namespace

std::optional<int64_t> serve_tunable_call(const Call& call, TunableFile& file) {
  const std::string_view name = call.row.name;
  if (name.starts_with("fcntl")) return std::nullopt;
  const bool is_vector = name.ends_with('v'), reads = name == "read" || name == "readv";
  if (reads || name == "write" || name == "writev") {
    std::vector<Piece> pieces;
    if (!read_pieces(call, is_vector, pieces)) return -EFAULT;
    return reads ? read(call, file, pieces) : write(call, file, pieces);
  }
  if (name == "ioctl") return -ENOTTY;
  if (name == "sendfile" || name == "sendfile64" || name == "splice" || name.starts_with("p")) return -EINVAL;
  return name.starts_with("epoll") ? -EINVAL : -ENOTSOCK;
}

}  // namespace lxnet::host
