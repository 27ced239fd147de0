// io_submit() on lxnet's sockets, and io_getevents() for what became of it.
//
// A context is the kernel's: io_setup() and io_destroy() run natively, and so do requests for the kernel's files. As on Linux a
// request for a socket is done before io_submit() returns. What it gave waits here until it is asked for.
//
// Less than Linux: of one io_submit() the requests up to the first for the kernel's own file are taken, as when a context is
// full, and one that begins with the kernel's and goes on with ours is refused (EINVAL). Who waits in io_getevents() already does
// not hear of what another thread submits then, and who looks at the ring in memory (libaio, with no time to wait) does not see
// it. IOCB_CMD_POLL is not served (EINVAL), nor are calls of another architecture.
#pragma once

#include <linux/aio_abi.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "hosts/linux/call.hh"

namespace lxnet::host {

class FileTable;

class AsyncIo {
 public:
  // Has the core answer a call of the program's, by its number.
  using RunCall = std::function<int64_t(int number, const uint64_t* arguments)>;

  explicit AsyncIo(const FileTable& files) : files_(files) {}
  // Whether no call need be looked at.
  bool is_idle() const;
  // On the call's fiber: it may wait. The answer; absent: the kernel's own call is right.
  std::optional<int64_t> serve(Call& call, const RunCall& run);
  void forget_process(pid_t process);

 private:
  using Context = std::pair<pid_t, uint64_t>;  // a process, and where its ring is
  using Events = std::deque<io_event>;

  struct Request {
    uint64_t address = 0;
    iocb body = {};
  };

  void forget(const Context& context);
  std::optional<int64_t> submit(Call& call, const RunCall& run);
  std::optional<int64_t> refuse_ours_behind(Call& call, int64_t count);
  static int64_t submit_one(Call& call, const RunCall& run, const Request& request, io_event& event);
  std::optional<int64_t> collect(const Call& call);
  // Absent where the program's memory is not its own.
  static std::optional<Request> read_request(const Call& call, int64_t index);
  bool is_ours(Call& call, const Request& request) const;

  const FileTable& files_;
  std::map<Context, Events> events_;
  size_t held_ = 0;  // events of all
};

}  // namespace lxnet::host
