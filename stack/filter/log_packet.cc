// As Linux writes it, word for word, but for who sent it (there is no UID=) and the frame it came in (MAC= stays empty).
#include "stack/filter/log_packet.hh"

#include "stack/filter/log_text.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// Linux's eight levels, of which a host has fewer.
int level_of(uint8_t level) {
  if (level <= 3) return LXNET_LOG_ERROR;
  if (level == 4) return LXNET_LOG_WARNING;
  return level == 7 ? LXNET_LOG_DEBUG : LXNET_LOG_INFO;
}

}  // namespace

Result<> check_log(const RuleFacts&, ByteSpan data) {
  const auto settings = settings_of<LogSettings>(data);
  if (settings.level >= 8 || settings.prefix[sizeof settings.prefix - 1] != 0) return Errno::EINVAL;
  return ok();
}

void write_log(const FilterPacket& packet, uint8_t level, uint8_t flags, const char* prefix) {
  LogLine line;
  line << prefix << "IN=" << packet.input_name << " OUT=" << packet.output_name << " ";
  if (packet.input != nullptr) line << "MAC= ";
  PacketText text(packet.packet, flags, line);
  if (packet.family == IpFamily::V4) {
    text.put4(0, false);
  } else {
    text.put6(0, false);
  }
  if (packet.packet.mark != 0) (line << "MARK=0x").hex(packet.packet.mark, 1) << " ";
  packet.entry.stack().hal().log(level_of(level), line.text());
}

TargetKind::Step log_packet(FilterPacket& packet, ByteSpan data) {
  const auto settings = settings_of<LogSettings>(data);
  write_log(packet, settings.level, settings.flags, settings.prefix);
  return TargetKind::Step::Continue;
}

}  // namespace lxnet
