// PollEvents: what poll, select and epoll report. The numbers are Linux's POLL*/EPOLL* (asm-generic).
#pragma once

#include <cstdint>

namespace lxnet {

using PollEvents = uint32_t;

inline constexpr PollEvents kPollIn = 0x001;
inline constexpr PollEvents kPollPriority = 0x002;
inline constexpr PollEvents kPollOut = 0x004;
inline constexpr PollEvents kPollError = 0x008;
inline constexpr PollEvents kPollHangUp = 0x010;
inline constexpr PollEvents kPollInvalid = 0x020;
inline constexpr PollEvents kPollReadNormal = 0x040;
inline constexpr PollEvents kPollReadBand = 0x080;
inline constexpr PollEvents kPollWriteNormal = 0x100;
inline constexpr PollEvents kPollWriteBand = 0x200;
inline constexpr PollEvents kPollMessage = 0x400;
inline constexpr PollEvents kPollReadHangUp = 0x2000;
// Never reported: urgent data is on its way, and who owns the file's signals wants to know (sk_send_sigurg).
inline constexpr PollEvents kPollUrgentMark = 1u << 20;
// Never reported: a wake-up without a key (sk_state_change), which is for everybody who waits. What else it names is for SIGIO
// alone.
inline constexpr PollEvents kPollKeyless = 1u << 21;

}  // namespace lxnet
