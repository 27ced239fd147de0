#include "compat/afunix/unix_report.hh"

namespace lxnet {

// The domain's mutex is held by for_each_open(); the analysis cannot see that it is the same one.
void UnixReports::fill(UnixEndpoint& socket, UnixReport& report) NO_THREAD_SAFETY_ANALYSIS {
  report.socket = &socket;
  report.peer = socket.peer_.get();
  report.file = socket.file();
  report.peer_cookie = socket.peer_ ? socket.peer_->cookie() : 0;
  report.cookie = socket.cookie();
  report.type = socket.socket_type();
  report.is_listening = socket.state() == UnixState::Listening;
  report.is_connected = socket.state() == UnixState::Connected;
  report.shut = socket.shut();
  if (socket.address_) report.name = socket.address_->to_sockaddr();
  report.references = socket.reference_count();
  report.send_buffer = socket.options_.send_buffer;
  report.receive_buffer = socket.options_.receive_buffer;
  report.send_memory = static_cast<uint32_t>(socket.send_memory());
  report.uid = socket.uid_;
  if (report.is_listening) {
    report.receive_queue = __atomic_load_n(&socket.inbox_count_, __ATOMIC_RELAXED);
    report.send_queue = __atomic_load_n(&socket.backlog_, __ATOMIC_RELAXED);
    return;
  }
  auto unread = socket.readable_bytes();
  report.receive_queue = unread.is_ok() ? static_cast<uint32_t>(unread.take()) : 0;
  report.send_queue = report.send_memory;
}

}  // namespace lxnet
