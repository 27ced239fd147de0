// Programs of our own, in programs/, for shapes that no package has in small.

#include "tests/hosts/linux/apps/app.hh"

namespace lxnet::test {
namespace {

const App kApps[] = {
    {"AProcessPerConnection", {}, R"sh("$programs/program_forking_server")sh"},
    {"AProcessPerConnectionWithoutRestart", {}, R"sh(same "$("$programs/program_forking_server" x)" interrupted)sh"},
    {"ThreadsOnOneListener", {}, R"sh("$programs/program_threaded_server")sh"},
    {"StaticWithoutALibrary",
     {},
     R"sh(test -e "$programs/program_static_raw" || exit 0 # only x86-64 has it
"$programs/program_static_raw")sh"},
    {"LibeventByEachWayOfPolling",
     {},
     R"sh(test -e "$programs/program_libevent_loop" || exit 0 # built where there is libevent
for way in epoll epoll-changelist poll select; do "$programs/program_libevent_loop" $way; done)sh"},
    {"LibuvWithAllItWaitsFor",
     {},
     R"sh(test -e "$programs/program_libuv_loop" || exit 0 # built where there is libuv
"$programs/program_libuv_loop")sh",
     Unix::OfLxnet},
    {"LiburingServerAndClients",
     {},
     R"sh(test -e "$programs/program_liburing_server" || exit 0 # built where there is liburing
"$programs/program_liburing_server")sh"},
    {"LibuvBesideTheHostsLocalSockets",
     {},
     R"sh(test -e "$programs/program_libuv_loop" || exit 0
"$programs/program_libuv_loop")sh"},
};

INSTANTIATE_APPS(Own, kApps);

}  // namespace
}  // namespace lxnet::test
