#include "ltp_runner/markup.hh"

namespace lxnet::ltp {

std::string escaped(absl::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f) ? c : '?';
    }
  }
  return safe;
}

}  // namespace lxnet::ltp
