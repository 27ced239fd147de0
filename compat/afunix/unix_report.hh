// What /proc/net/unix and ss tell of the sockets of a domain.
#pragma once

#include "compat/afunix/unix_endpoint.hh"
#include "compat/syscalls/unix_report.hh"

namespace lxnet {

class UnixReports {
 public:
  // visit(const UnixReport&) for each socket that is not closed, under the domain's mutex.
  template <typename Visitor>
  static void for_each(UnixDomain& domain, Visitor&& visit) {
    domain.for_each_open([&](UnixEndpoint& socket) {
      UnixReport report;
      fill(socket, report);
      visit(static_cast<const UnixReport&>(report));
    });
  }

 private:
  static void fill(UnixEndpoint& socket, UnixReport& report);
};

}  // namespace lxnet
