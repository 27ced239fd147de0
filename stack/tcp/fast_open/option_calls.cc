// TCP_FASTOPEN and its relatives.
#include <algorithm>

#include "stack/stack.hh"
#include "stack/tcp/listener.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

constexpr int32_t kClientEnabled = 1;

Result<> ensure_queue(RareParts* rare) {
  if (rare == nullptr) return Errno::ENOMEM;
  if (!rare->fast_open_queue) rare->fast_open_queue = TRY(make_ref<FastOpenQueue>(rare->hal, rare->hal));
  return ok();
}

}  // namespace

uint32_t TcpOptionCalls::fast_open_limit_owned(TcpSocket& socket) {
  return socket.fast_open_queue() != nullptr ? socket.fast_open_queue()->limit() : 0;
}

Result<> TcpOptionCalls::set_fast_open_limit_owned(TcpSocket& socket, uint32_t limit) {
  TRY(ensure_queue(socket.make_rare()));
  socket.stack().tcp().fast_open().ensure_key();
  const auto most = static_cast<uint32_t>(socket.stack().tunables().values().somaxconn);
  socket.fast_open_queue()->set_limit(std::min(limit, most));
  return ok();
}

Result<> TcpOptionCalls::set_fast_open(Entry& entry, TcpSocket& socket, int limit) {
  TaskOwnership ownership(socket.lock_, entry);
  if (limit < 0 || !socket.in(TcpState::Closed | TcpState::Listen)) return Errno::EINVAL;
  return set_fast_open_limit_owned(socket, static_cast<uint32_t>(limit));
}

Result<int> TcpOptionCalls::fast_open(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return static_cast<int>(fast_open_limit_owned(socket));
}

Result<> TcpOptionCalls::set_fast_open_connect(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (value < 0 || value > 1) return Errno::EINVAL;
  if ((socket.stack().tunables().values().tcp_fastopen & kClientEnabled) == 0) return Errno::EOPNOTSUPP;
  if (!socket.in(TcpState::Closed)) return Errno::EINVAL;
  return socket.tcp_options.set(socket.stack().hal(), &TcpSocketOptions::fast_open_connect, value != 0);
}

Result<> TcpOptionCalls::set_fast_open_no_cookie(Entry& entry, TcpSocket& socket, int value) {
  TaskOwnership ownership(socket.lock_, entry);
  if (value < 0 || value > 1 || !socket.in(TcpState::Closed | TcpState::Listen)) return Errno::EINVAL;
  return socket.tcp_options.set(socket.stack().hal(), &TcpSocketOptions::fast_open_no_cookie, value != 0);
}

Result<> TcpOptionCalls::set_fast_open_keys(Entry& entry, TcpSocket& socket, const FastOpenKeys& keys) {
  TaskOwnership ownership(socket.lock_, entry);
  TRY(ensure_queue(socket.make_rare()));
  socket.fast_open_queue()->set_keys(keys);
  return ok();
}

// The socket's own; those of the whole stack are told by the tunable alone.
FastOpenKeys TcpOptionCalls::fast_open_keys(Entry& entry, TcpSocket& socket) {
  TaskOwnership ownership(socket.lock_, entry);
  return socket.fast_open_queue() != nullptr ? socket.fast_open_queue()->keys() : FastOpenKeys();
}

}  // namespace lxnet
