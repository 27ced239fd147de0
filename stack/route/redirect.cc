// Redirects are neither believed nor sent yet.
#include "stack/route/redirect.hh"

#include "stack/drop_reason.hh"

namespace lxnet {

void receive_redirect4(Entry&, const RedirectNotice&) {}

bool is_redirect_due(Entry&, const Packet&, const Route&, const Interface&) { return false; }

void send_redirect6(Entry&, const Packet&, const Route&, Interface&) {}

}  // namespace lxnet
