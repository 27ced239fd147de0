#include "hosts/linux/program_timer.hh"

#include <linux/audit.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/clock.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

// setitimer's and alarm's; a process has one. The others are numbered from zero.
constexpr int kRealTimer = -1;
constexpr int kAbsolute = 1;  // TIMER_ABSTIME
constexpr int64_t kLongest = std::numeric_limits<int64_t>::max() / kSecond / 4;

struct Setting {
  int64_t interval = 0, value = 0;  // nanoseconds
};

// itimerval and itimerspec are four words: seconds and a fraction, twice.
template <typename Word>
bool read_setting(pid_t tid, uint64_t address, int64_t nanos_of_fraction, Setting& setting) {
  Word words[4];
  if (copy_from_task(tid, words, address, sizeof words) != 0) return false;
  auto nanos = [&](int at) {
    return std::clamp<int64_t>(words[at], 0, kLongest) * kSecond + static_cast<int64_t>(words[at + 1]) * nanos_of_fraction;
  };
  setting = {nanos(0), nanos(2)};
  return true;
}

}  // namespace

void note_timer(SignalWatch& signals, const Call& call) {
  pid_t process = call.task->process();
  const auto* arguments = call.notice.data.args;
  const bool is_alarm = ::strcmp(call.row.name, "alarm") == 0, is_real = ::strcmp(call.row.name, "setitimer") == 0;
  Setting setting;
  if (is_alarm) {
    setting.value = static_cast<int64_t>(static_cast<uint32_t>(arguments[0])) * kSecond;
  } else {
    uint64_t address = is_real ? arguments[1] : arguments[2];
    int64_t fraction = is_real ? kMicrosecond : 1;
    const bool is_short = call.notice.data.arch == AUDIT_ARCH_I386 && ::strcmp(call.row.name, "timer_settime64") != 0;
    const bool is_read = is_short ? read_setting<int32_t>(call.tid(), address, fraction, setting)
                                  : read_setting<int64_t>(call.tid(), address, fraction, setting);
    if (!is_read) return;
  }
  int timer = is_alarm || is_real ? kRealTimer : static_cast<int>(arguments[0]);
  if (setting.value <= 0) return signals.expect_timer(process, timer, kNever, 0);
  int64_t first = call.started + setting.value;
  if (timer != kRealTimer && (static_cast<int>(arguments[1]) & kAbsolute) != 0) {
    // Which clock, timer_create() said; times of the two are decades apart.
    int64_t wall = clock_nanos(CLOCK_REALTIME);
    first = setting.value > wall / 2 ? call.started + setting.value - wall : setting.value;
  }
  signals.expect_timer(process, timer, first, std::max<int64_t>(setting.interval, 0));
}

}  // namespace lxnet::host
