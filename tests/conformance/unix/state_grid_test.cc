// Every call on sockets of every type, with every kind of address, in every state: what Linux answers, one row a situation.
//
// A row's text is what observe() writes on Linux; LXNET_WRITE_UNIX_GRID=1 prints the rows afresh.
#include <cstdlib>
#include <functional>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

enum class Kind { Unnamed, Abstract, Path, Autobound };

struct Stage {
  explicit Stage(int socket_type, Kind address_kind) : type(socket_type), kind(address_kind) {}
  Name fresh_name(const std::string& text) {
    switch (kind) {
      case Kind::Abstract:
        return abstract_name(text);
      case Kind::Path:
        return directory.name(text);
      default:
        return autobind_name();
    }
  }
  // Bound as the kind says, and its name as others must call it.
  Fd bound(const std::string& text, Name& name) {
    Fd fd = unix_socket(type);
    bind_name(fd, fresh_name(text));
    name = name_of_socket(fd);
    return fd;
  }
  int type;
  Kind kind;
  Directory directory;
  Fd subject, other, listener;
  Name other_name, own_name;
};

Pair nonblocking_pair(int type) { return make_pair_of(type | SOCK_NONBLOCK); }

void make_pair_stage(Stage& stage) {
  Pair pair = nonblocking_pair(stage.type);
  stage.subject = std::move(pair.a);
  stage.other = std::move(pair.b);
}

void make_connection(Stage& stage) {
  stage.listener = stage.bound("listener", stage.other_name);
  ::listen(stage.listener, 4);
  stage.subject = stage.bound("client", stage.own_name);
  connect_name(stage.subject, stage.other_name);
}

void make_datagram_connection(Stage& stage) {
  stage.other = stage.bound("other", stage.other_name);
  stage.subject = stage.bound("subject", stage.own_name);
  connect_name(stage.subject, stage.other_name);
}

struct StateRow {
  const char* text;
  bool needs_name;  // the kind of address matters
  unsigned types;   // bit: 1 << type
  void (*make)(Stage& stage);
};

constexpr unsigned kAll = 1u << SOCK_STREAM | 1u << SOCK_DGRAM | 1u << SOCK_SEQPACKET;
constexpr unsigned kConnections = 1u << SOCK_STREAM | 1u << SOCK_SEQPACKET;
constexpr unsigned kDatagrams = 1u << SOCK_DGRAM;

const StateRow kStates[] = {
    {"fresh", false, kAll, [](Stage& s) { s.subject = unix_socket(s.type); }},
    {"bound", true, kAll, [](Stage& s) { s.subject = s.bound("own", s.own_name); }},
    {"pair", false, kAll, make_pair_stage},
    {"pair with data", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.other, "abc", 3, 0);
     }},
    {"pair, empty message", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.other, "", 0, 0);
     }},
    {"pair, other closed", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       s.other.reset();
     }},
    {"pair, other closed with our data unread", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.subject, "abc", 3, 0);
       s.other.reset();
     }},
    {"pair, other sent and closed", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.other, "abc", 3, 0);
       s.other.reset();
     }},
    {"pair, reading shut", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.other, "abc", 3, 0);
       ::shutdown(s.subject, SHUT_RD);
     }},
    {"pair, writing shut", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::shutdown(s.subject, SHUT_WR);
     }},
    {"pair, both shut", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::shutdown(s.subject, SHUT_RDWR);
     }},
    {"pair, other's reading shut", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::shutdown(s.other, SHUT_RD);
     }},
    {"pair, other's writing shut", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       ::send(s.other, "abc", 3, 0);
       ::shutdown(s.other, SHUT_WR);
     }},
    {"pair, buffer full", false, kAll,
     [](Stage& s) {
       make_pair_stage(s);
       while (::send(s.subject, "0123456789", 10, MSG_NOSIGNAL) > 0) {
       }
     }},
    {"listening", true, kConnections,
     [](Stage& s) {
       s.subject = s.bound("own", s.own_name);
       ::listen(s.subject, 3);
     }},
    {"listening, one waits", true, kConnections,
     [](Stage& s) {
       s.subject = s.bound("own", s.own_name);
       ::listen(s.subject, 3);
       s.other = unix_socket(s.type);
       connect_name(s.other, s.own_name);
     }},
    {"listening, shut", true, kConnections,
     [](Stage& s) {
       s.subject = s.bound("own", s.own_name);
       ::listen(s.subject, 3);
       ::shutdown(s.subject, SHUT_RD);
     }},
    {"connected", true, kConnections,
     [](Stage& s) {
       make_connection(s);
       s.other = Fd(::accept(s.listener, nullptr, nullptr));
     }},
    {"connected, not accepted", true, kConnections, make_connection},
    {"connected, listener closed", true, kConnections,
     [](Stage& s) {
       make_connection(s);
       s.listener.reset();
     }},
    {"accepted", true, kConnections,
     [](Stage& s) {
       make_connection(s);
       s.other = std::move(s.subject);
       s.subject = Fd(::accept4(s.listener, nullptr, nullptr, SOCK_NONBLOCK));
       ::send(s.other, "abc", 3, 0);
     }},
    {"connected", true, kDatagrams, make_datagram_connection},
    {"connected, other closed", true, kDatagrams,
     [](Stage& s) {
       make_datagram_connection(s);
       s.other.reset();
     }},
    {"connected, other full", true, kDatagrams,
     [](Stage& s) {
       make_datagram_connection(s);
       while (::send(s.subject, "x", 1, 0) > 0) {
       }
     }},
    {"connected both ways", true, kDatagrams,
     [](Stage& s) {
       make_datagram_connection(s);
       connect_name(s.other, s.own_name);
       ::send(s.other, "abc", 3, 0);
     }},
    {"other reconnected away", true, kDatagrams,
     [](Stage& s) {
       make_datagram_connection(s);
       connect_name(s.other, s.own_name);
       ::send(s.subject, "abc", 3, 0);
       sockaddr nobody{};
       ::connect(s.other, &nobody, sizeof nobody);
     }},
    {"disconnected", true, kDatagrams,
     [](Stage& s) {
       make_datagram_connection(s);
       ::sendto(s.other, "abc", 3, 0, s.own_name.raw(), s.own_name.length);
       sockaddr nobody{};
       ::connect(s.subject, &nobody, sizeof nobody);
     }},
};

struct Act {
  const char* text;
  long (*run)(Stage& stage);
};

long length_of(int fd, bool peer) {
  Name name;
  name.length = sizeof name.address;
  const int result = peer ? ::getpeername(fd, name.raw(), &name.length) : ::getsockname(fd, name.raw(), &name.length);
  if (result != 0) return -errno;
  // Paths and process ids differ from run to run.
  return name.length <= 2 ? name.length : name.address.sun_path[0] != 0 ? 200 : name.length == 8 ? 8 : 100;
}

// A socket of the same type to connect or send to.
struct Target {
  explicit Target(Stage& stage) : name(abstract_name("target")), fd(unix_socket(stage.type)) {
    bind_name(fd, name);
    ::listen(fd, 1);
  }
  Name name;
  Fd fd;
};

const Act kActs[] = {
    {"poll", [](Stage& s) { return poll_now(s.subject, POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLWRBAND | POLLRDNORM); }},
    {"send", [](Stage& s) { return answer(::send(s.subject, "x", 1, MSG_NOSIGNAL)); }},
    {"send0", [](Stage& s) { return answer(::send(s.subject, "", 0, MSG_NOSIGNAL)); }},
    {"oob", [](Stage& s) { return answer(::send(s.subject, "x", 1, MSG_NOSIGNAL | MSG_OOB)); }},
    {"fault", [](Stage& s) { return answer(::send(s.subject, bad_pointer<char>(), 1, MSG_NOSIGNAL)); }},
    {"sendto",
     [](Stage& s) {
       Target target(s);
       return answer(::sendto(s.subject, "x", 1, MSG_NOSIGNAL, target.name.raw(), target.name.length));
     }},
    {"huge",
     [](Stage& s) {
       const std::string data(300000, 'x');
       return ::send(s.subject, data.data(), data.size(), MSG_NOSIGNAL) > 0 ? 1L : -static_cast<long>(errno);
     }},
    {"recv",
     [](Stage& s) {
       char byte;
       return answer(::recv(s.subject, &byte, 1, 0));
     }},
    {"recv0", [](Stage& s) { return answer(::recv(s.subject, nullptr, 0, 0)); }},
    {"peek",
     [](Stage& s) {
       char bytes[8];
       return answer(::recv(s.subject, bytes, sizeof bytes, MSG_PEEK));
     }},
    {"recvoob",
     [](Stage& s) {
       char byte;
       return answer(::recv(s.subject, &byte, 1, MSG_OOB));
     }},
    {"self", [](Stage& s) { return length_of(s.subject, false); }},
    {"peer", [](Stage& s) { return length_of(s.subject, true); }},
    {"bind", [](Stage& s) { return bind_name(s.subject, abstract_name("again")); }},
    {"autobind", [](Stage& s) { return bind_name(s.subject, autobind_name()); }},
    {"listen", [](Stage& s) { return answer(::listen(s.subject, 1)); }},
    {"accept",
     [](Stage& s) {
       const Fd fd(::accept(s.subject, nullptr, nullptr));
       return fd >= 0 ? 1L : answer(fd.get());
     }},
    {"connect",
     [](Stage& s) {
       Target target(s);
       return connect_name(s.subject, target.name);
     }},
    {"unspec",
     [](Stage& s) {
       sockaddr nobody{};
       return answer(::connect(s.subject, &nobody, sizeof nobody));
     }},
    {"shut", [](Stage& s) { return answer(::shutdown(s.subject, SHUT_WR)); }},
    {"error", [](Stage& s) { return get(s.subject, SO_ERROR); }},
    {"accepts", [](Stage& s) { return get(s.subject, SO_ACCEPTCONN); }},
    {"inq", [](Stage& s) { return ask(s.subject, kBytesReadable); }},
    {"outq", [](Stage& s) { return ask(s.subject, kBytesUnsent); }},
    {"mark", [](Stage& s) { return ask(s.subject, kAtMark); }},
    {"cred",
     [](Stage& s) {
       ucred who{};
       socklen_t length = sizeof who;
       if (::getsockopt(s.subject, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0) return answer(-1);
       return who.pid == ::getpid() ? 1L : who.pid == 0 ? 0L : 2L;
     }},
};

const char* kind_name(Kind kind) {
  return kind == Kind::Unnamed ? "unnamed" : kind == Kind::Abstract ? "abstract" : kind == Kind::Path ? "path" : "autobound";
}

struct Situation {
  const StateRow* state;
  int type;
  Kind kind;
  std::string text() const { return type_name(type) + ", " + kind_name(kind) + ", " + state->text; }
};

std::vector<Situation> all_situations() {
  std::vector<Situation> all;
  for (const StateRow& state : kStates) {
    for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
      if ((state.types & 1u << type) == 0) continue;
      if (!state.needs_name) {
        all.push_back({&state, type, Kind::Unnamed});
        continue;
      }
      for (Kind kind : {Kind::Abstract, Kind::Path, Kind::Autobound}) all.push_back({&state, type, kind});
    }
  }
  return all;
}

struct Expected {
  const char* situation;
  const char* answers;
};
constexpr Expected kExpected[] = {
#include "tests/conformance/unix/state_grid.inc"
};

std::string observe(const Situation& situation) {
  std::string text;
  for (const Act& act : kActs) {
    Stage stage(situation.type, situation.kind);
    situation.state->make(stage);
    text += std::string(text.empty() ? "" : " ") + act.text + "=" + std::to_string(act.run(stage));
  }
  return text;
}

class UnixGrid : public testing::TestWithParam<size_t> {};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> result;
  size_t start = 0;
  while (start < text.size()) {
    size_t end = text.find(' ', start);
    if (end == std::string::npos) end = text.size();
    result.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return result;
}

TEST_P(UnixGrid, AnswersAsLinuxDoes) {
  const Situation situation = all_situations()[GetParam()];
  const std::string observed = observe(situation);
  if (std::getenv("LXNET_WRITE_UNIX_GRID") != nullptr) {
    std::printf("{\"%s\",\n \"%s\"},\n", situation.text().c_str(), observed.c_str());
    return;
  }
  ASSERT_LT(GetParam(), std::size(kExpected));
  ASSERT_EQ(kExpected[GetParam()].situation, situation.text());
  const auto have = words(observed), want = words(kExpected[GetParam()].answers);
  ASSERT_EQ(have.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(have[i], want[i]) << situation.text();
}

INSTANTIATE_TEST_SUITE_P(Situations, UnixGrid, testing::Range(size_t{0}, all_situations().size()));

}  // namespace
}  // namespace conformance
