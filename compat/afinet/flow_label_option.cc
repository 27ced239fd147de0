// IPV6_FLOWLABEL_MGR: ipv6_flowlabel_opt() and ipv6_flowlabel_opt_get().
#include "compat/afinet/flow_labels.hh"
#include "compat/afinet/inet_options.hh"
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {
namespace {

enum Action : uint8_t { kGet = 0, kPut = 1, kRenew = 2 };
constexpr uint16_t kReflect = 4, kRemote = 8;
constexpr uint32_t kMask = 0xfffff;
constexpr size_t kAlignedRequest = 32;  // CMSG_ALIGN(sizeof(struct in6_flowlabel_req))
static_assert(sizeof(FlowLabels::Request) == kAlignedRequest);

bool is_tcp(const Socket& socket) { return socket.type() == SocketType::Stream && socket.protocol() == 6; }

// Labels are reflected only where they need not be the flow's own.
Result<> reflect(const Socket& socket, uint8_t action) {
  if (action == kGet) return Errno::EPERM;
  return is_tcp(socket) ? Errno::ESRCH : Errno::ENOPROTOOPT;
}

// Headers that would go with each packet of the flow. They must make sense, and there must be none.
Result<> check_headers(const OptionInput& input, Socket& socket, size_t size) {
  constexpr size_t kMost = 64 * 1024;
  if (size > kMost) return Errno::EINVAL;
  ControlReader reader;
  TRY(reader.read(input.context, input.value + kAlignedRequest, size));
  ExtensionChain extensions;
  TRY(decode_packet_options(input.context, socket, reader, extensions));
  if (!extensions.destination.empty()) return Errno::EINVAL;
  return extensions.hop_by_hop.empty() && extensions.before_routing.empty() ? ok() : Result<>(Errno::ENOBUFS);
}

Result<> lease(const OptionInput& input, Socket& socket, FlowLabels::Request& request) {
  const auto length = static_cast<size_t>(input.length);
  if (length > kAlignedRequest) TRY(check_headers(input, socket, length - kAlignedRequest));
  const bool asks_for_any = request.label.get() == 0;
  TRY(TRY(FlowLabels::find_or_create(socket.stack()))->lease(input.context, socket, request));
  // As Linux, who does not mind where the answer cannot be written.
  if (asks_for_any)
    (void)copy_out(input.context.hal(), input.value + sizeof request.destination, bytes_of(request.label)).is_ok();
  return ok();
}

Result<> give_back(const OptionInput& input, Socket& socket, const FlowLabels::Request& request) {
  FlowLabels* labels = FlowLabels::find(socket.stack());
  if (labels == nullptr) return Errno::ESRCH;
  const bool is_sent = (socket.ip_options->flow_info & kMask) == request.label.get();
  IpSocketOptions* own = is_sent ? TRY(socket.ip_options.change(input.context.hal())) : nullptr;
  TRY(labels->give_back(input.context, socket, request.label.get()));
  if (is_sent) {
    own->flow_info &= ~kMask;
    socket.options_changed();
  }
  return ok();
}

}  // namespace

Result<> manage_flow_labels(const OptionInput& input) {
  auto request = TRY(input.read<FlowLabels::Request>());
  Socket& socket = socket_of(input.socket);
  FlowLabels* labels = FlowLabels::find(socket.stack());
  switch (request.action) {
    case kPut:
      if ((request.flags & kReflect) != 0) return reflect(socket, kPut);
      return give_back(input, socket, request);
    case kRenew:
      return labels == nullptr ? Result<>(Errno::ESRCH) : labels->renew(input.context, socket, request);
    case kGet:
      if ((request.flags & kReflect) != 0) return reflect(socket, kGet);
      return lease(input, socket, request);
    default:
      return Errno::EINVAL;
  }
}

Result<> get_flow_label(const OptionOutput& output) {
  if (output.length < static_cast<int>(sizeof(FlowLabels::Request))) return Errno::EINVAL;
  auto request = TRY(read_user<FlowLabels::Request>(output.context.hal(), output.value));
  if (request.action != kGet) return Errno::EINVAL;
  const uint16_t flags = request.flags;
  request = {};
  Socket& socket = socket_of(output.socket);
  if ((flags & kRemote) != 0) {
    // A datagram socket has no peer whose label it would remember; of a stream's none is kept.
    if (socket.type() == SocketType::Stream) return Errno::ENOPROTOOPT;
  } else {
    FlowLabels* labels = FlowLabels::find(socket.stack());
    if (labels == nullptr) return Errno::ENOENT;
    TRY(labels->describe(output.context, socket, socket.ip_options->flow_info & kMask, request));
  }
  return output.write(request);
}

}  // namespace lxnet
