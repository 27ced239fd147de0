// Addresses on the way in and out: lengths, terminators, zeros inside, autobind, and what a path's file system says.
#include <sys/wait.h>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

TEST(UnixNames, LengthsOfBind) {
  for (int type : kTypes) {
    const Name name = abstract_name("lengths");
    for (auto [length, expected] : {std::pair{0u, -EINVAL}, {1u, -EINVAL}, {111u, -EINVAL}, {128u, -EINVAL}, {129u, -EINVAL}}) {
      const Fd fd = unix_socket(type);
      char room[160] = {};
      std::memcpy(room, &name.address, sizeof name.address);
      EXPECT_EQ(answer(::bind(fd, reinterpret_cast<sockaddr*>(room), length)), expected) << length;
    }
    const Fd fd = unix_socket(type);
    sockaddr_un inet{};
    inet.sun_family = AF_INET;
    EXPECT_EQ(answer(::bind(fd, reinterpret_cast<sockaddr*>(&inet), sizeof inet)), -EINVAL);
    EXPECT_EQ(answer(::bind(fd, reinterpret_cast<sockaddr*>(&inet), 2)), -EINVAL);
    EXPECT_EQ(answer(::bind(fd, bad_pointer<sockaddr>(), 10)), -EFAULT);
  }
}

TEST(UnixNames, ZerosInsideAnAbstractNameCount) {
  const std::string stem = abstract_name("zeros").text();
  const Fd first = unix_socket(SOCK_DGRAM), second = unix_socket(SOCK_DGRAM), third = unix_socket(SOCK_DGRAM);
  EXPECT_EQ(bind_name(first, name_from(stem)), 0);
  EXPECT_EQ(bind_name(second, name_from(stem + std::string(1, '\0'))), 0);
  EXPECT_EQ(bind_name(third, name_from(stem + std::string("\0x", 2))), 0);
  EXPECT_EQ(name_of_socket(second).text(), stem + std::string(1, '\0'));
  const Fd sender = unix_socket(SOCK_DGRAM);
  const Name to = name_from(stem + std::string(1, '\0'));
  EXPECT_EQ(answer(::sendto(sender, "z", 1, 0, to.raw(), to.length)), 1);
  EXPECT_EQ(receive(second).result, 1);
  EXPECT_EQ(receive(first).result, -EAGAIN);
  EXPECT_EQ(connect_name(sender, name_from(stem + "zz")), -ECONNREFUSED);
  const Name single = name_from(std::string(1, '\0'));
  const Fd shortest = unix_socket(SOCK_DGRAM), again = unix_socket(SOCK_DGRAM);
  EXPECT_EQ(bind_name(shortest, single), 0);
  EXPECT_EQ(bind_name(again, single), -EADDRINUSE);
}

TEST(UnixNames, ATypesNamesAreItsOwn) {
  const Name name = abstract_name("types");
  Fd fds[3];
  for (size_t i = 0; i < 3; ++i) {
    fds[i] = unix_socket(kTypes[i]);
    EXPECT_EQ(bind_name(fds[i], name), 0);
    EXPECT_EQ(bind_name(unix_socket(kTypes[i]), name), -EADDRINUSE);
  }
}

TEST(UnixNames, AHundredAndEightBytesNeedNoTerminator) {
  Directory directory;
  std::string path = directory.path() + "/";
  path.append(108 - path.size(), 'x');
  directory.file(path.substr(directory.path().size() + 1));
  const Fd fd = unix_socket(SOCK_STREAM), client = unix_socket(SOCK_STREAM);
  ASSERT_EQ(bind_name(fd, name_from(path)), 0);
  char room[200] = {};
  socklen_t length = sizeof room;
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(room), &length), 0);
  EXPECT_EQ(length, 2u + 108 + 1);
  EXPECT_EQ(std::string(room + 2), path);
  ::listen(fd, 1);
  EXPECT_EQ(connect_name(client, name_from(path)), 0);
}

TEST(UnixNames, APathEndsAtItsFirstZero) {
  Directory directory;
  const std::string path = directory.file("short");
  const Fd fd = unix_socket(SOCK_DGRAM), sender = unix_socket(SOCK_DGRAM);
  ASSERT_EQ(bind_name(fd, name_from(path + std::string("\0junk", 5))), 0);
  EXPECT_EQ(name_of_socket(fd).length, 2 + path.size() + 1);
  EXPECT_EQ(connect_name(sender, name_from(path)), 0);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

TEST(UnixNames, LengthsOnTheWayOut) {
  const Name name = abstract_name("out");
  const Fd fd = unix_socket(SOCK_DGRAM);
  bind_name(fd, name);
  for (socklen_t room = 0; room <= name.length + 2; ++room) {
    char buffer[128];
    std::memset(buffer, 0x55, sizeof buffer);
    socklen_t length = room;
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(buffer), &length), 0);
    EXPECT_EQ(length, name.length);
    const socklen_t written = room < name.length ? room : name.length;
    EXPECT_EQ(std::memcmp(buffer, &name.address, written), 0);
    EXPECT_EQ(buffer[written], 0x55);
  }
  auto negative = static_cast<socklen_t>(-1);
  sockaddr_un address{};
  EXPECT_EQ(answer(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &negative)), -EINVAL);
  EXPECT_EQ(name_of_socket(unix_socket(SOCK_STREAM)).length, 2u);
}

TEST(UnixNames, AutobindDrawsFiveDigitsOnce) {
  for (int type : kTypes) {
    const Fd fd = unix_socket(type);
    ASSERT_EQ(bind_name(fd, autobind_name()), 0);
    const std::string text = name_of_socket(fd).text();
    ASSERT_EQ(text.size(), 6u);
    EXPECT_EQ(text[0], '\0');
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef", 1), std::string::npos);
    EXPECT_EQ(bind_name(fd, autobind_name()), 0);
    EXPECT_EQ(name_of_socket(fd).text(), text);
    EXPECT_EQ(bind_name(fd, abstract_name("late")), -EINVAL);
  }
}

TEST(UnixNames, WhoWantsCredentialsGetsAName) {
  for (int option : {SO_PASSCRED, kPassPidfd}) {
    const Name name = abstract_name("wanted");
    const Fd receiver = unix_socket(SOCK_DGRAM), connecting = unix_socket(SOCK_DGRAM), sending = unix_socket(SOCK_DGRAM);
    bind_name(receiver, name);
    if (set(connecting, option, 1) != 0) continue;
    set(sending, option, 1);
    EXPECT_EQ(connect_name(connecting, name), 0);
    EXPECT_EQ(name_of_socket(connecting).length, 8u);
    EXPECT_EQ(answer(::sendto(sending, "x", 1, 0, name.raw(), name.length)), 1);
    EXPECT_EQ(name_of_socket(sending).length, 8u);
    EXPECT_EQ(receive(receiver).name.length, 8u);
  }
}

struct PathCase {
  const char* text;  // under the directory; "file" is a file, "open" a bound socket, "dead" a socket nobody has
  long bind, connect;
};

TEST(UnixNames, WhatIsWrongWithAPath) {
  Directory directory;
  { const Fd file(::open(directory.file("file").c_str(), O_CREAT | O_RDWR, 0600)); }
  const Fd open = unix_socket(SOCK_STREAM);
  bind_name(open, directory.name("open"));
  { bind_name(unix_socket(SOCK_STREAM), directory.name("dead")); }
  ASSERT_EQ(::symlink("nowhere", directory.file("dangling").c_str()), 0);
  ASSERT_EQ(::symlink("open", directory.file("link").c_str()), 0);
  const PathCase cases[] = {
      {"file", -EADDRINUSE, -ECONNREFUSED}, {"open", -EADDRINUSE, -ECONNREFUSED}, {"dead", -EADDRINUSE, -ECONNREFUSED},
      {"dangling", -EADDRINUSE, -ENOENT},   {"link", -EADDRINUSE, -ECONNREFUSED}, {"missing/name", -ENOENT, -ENOENT},
      {"file/name", -ENOTDIR, -ENOTDIR},    {"name/", -ENOENT, -ENOENT},          {".", -EADDRINUSE, -ECONNREFUSED},
      {"..", -EADDRINUSE, -ECONNREFUSED},   {"file/", -EADDRINUSE, -ENOTDIR},
  };
  const Fd named = unix_socket(SOCK_STREAM);
  bind_name(named, abstract_name("named"));
  for (const PathCase& row : cases) {
    const Name name = name_from(directory.path() + "/" + row.text);
    EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), name), row.bind) << row.text;
    EXPECT_EQ(bind_name(named, name), row.bind) << row.text << ", of a socket that has a name";
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), row.connect) << row.text;
  }
  // Nothing wrong with the path, but the socket has a name: the node does not stay.
  EXPECT_EQ(bind_name(named, directory.name("fine")), -EINVAL);
  EXPECT_EQ(::access((directory.path() + "/fine").c_str(), F_OK), -1);
}

// To connect is to write; to make a name is to write its directory.
TEST(UnixNames, PermissionsOnThePath) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  Directory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const std::string hidden = directory.path() + "/hidden";
  ASSERT_EQ(::mkdir(hidden.c_str(), 0700), 0);
  const Fd open = unix_socket(SOCK_STREAM), inside = unix_socket(SOCK_STREAM);
  const Name name = directory.name("open"), hidden_name = name_from(hidden + "/name" + '\0');
  bind_name(open, name);
  bind_name(inside, hidden_name);
  ::listen(open, 8);
  ::listen(inside, 8);
  const struct {
    mode_t mode;
    long answer;
  } rows[] = {{0777, 0}, {0755, -EACCES}, {0666, 0}, {0222, 0}, {0111, -EACCES}, {0, -EACCES}};
  for (const auto& row : rows) {
    ASSERT_EQ(::chmod(name.address.sun_path, row.mode), 0);
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), 0) << "the owner may always";
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresgid(60, 60, 60) != 0 || ::setresuid(50, 50, 50) != 0) ::_exit(1);
      if (connect_name(unix_socket(SOCK_STREAM), name) != row.answer) ::_exit(2);
      if (connect_name(unix_socket(SOCK_STREAM), hidden_name) != -EACCES) ::_exit(3);
      if (bind_name(unix_socket(SOCK_STREAM), hidden_name) != -EACCES) ::_exit(4);
      if (bind_name(unix_socket(SOCK_STREAM), directory.name("mine")) != -EACCES) ::_exit(5);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0) << std::oct << row.mode;
  }
  ::unlink(hidden_name.address.sun_path);
  ::rmdir(hidden.c_str());
}

TEST(UnixNames, ATypeThatDiffersIsEprototype) {
  Directory directory;
  const Name name = directory.name("typed");
  const Fd stream = unix_socket(SOCK_STREAM);
  bind_name(stream, name);
  ::listen(stream, 1);
  EXPECT_EQ(connect_name(unix_socket(SOCK_SEQPACKET), name), -EPROTOTYPE);
  EXPECT_EQ(connect_name(unix_socket(SOCK_DGRAM), name), -EPROTOTYPE);
  EXPECT_EQ(answer(::sendto(unix_socket(SOCK_DGRAM), "x", 1, 0, name.raw(), name.length)), -EPROTOTYPE);
}

TEST(UnixNames, ANodeIsFoundWhereverItIsMovedAndGoneWhenUnlinked) {
  Directory directory;
  const Name name = directory.name("old");
  const Fd listener = unix_socket(SOCK_STREAM);
  bind_name(listener, name);
  ::listen(listener, 5);
  const std::string renamed = directory.file("new"), linked = directory.file("hard");
  ASSERT_EQ(::rename(name.address.sun_path, renamed.c_str()), 0);
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), -ENOENT);
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name_from(renamed)), 0);
  ASSERT_EQ(::link(renamed.c_str(), linked.c_str()), 0);
  ::unlink(renamed.c_str());
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name_from(linked)), 0);
  EXPECT_EQ(name_of_socket(listener).text(), name.text());
  ::unlink(linked.c_str());
  EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name_from(linked)), -ENOENT);
  // The same path again is another socket's, also if the file system gives the same inode number again.
  for (int round = 0; round < 20; ++round) {
    const Fd other = unix_socket(SOCK_STREAM);
    ASSERT_EQ(bind_name(other, name), 0);
    EXPECT_EQ(connect_name(unix_socket(SOCK_STREAM), name), -ECONNREFUSED);
    ::unlink(name.address.sun_path);
  }
}

TEST(UnixNames, ANodesModeIsTheSocketsWithoutTheUmask) {
  Directory directory;
  const mode_t old = ::umask(027);
  const Fd plain = unix_socket(SOCK_STREAM), changed = unix_socket(SOCK_STREAM);
  bind_name(plain, directory.name("plain"));
  ::fchmod(changed, 0606);
  bind_name(changed, directory.name("changed"));
  ::umask(old);
  struct stat status {};
  ::stat((directory.path() + "/plain").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0750u);
  ::stat((directory.path() + "/changed").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(UnixNames, SockRawIsADatagramSocket) {
  const Fd raw(::socket(AF_UNIX, SOCK_RAW, 0));
  EXPECT_EQ(get(raw, SO_TYPE), SOCK_DGRAM);
  EXPECT_EQ(get(raw, SO_DOMAIN), AF_UNIX);
  EXPECT_EQ(get(raw, SO_PROTOCOL), 0);
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_RAW, AF_UNIX, ends), 0);
  const Fd first(ends[0]), second(ends[1]);
  EXPECT_EQ(::send(first, "raw", 3, 0), 3);
  EXPECT_EQ(receive(second).text, "raw");
}

}  // namespace
}  // namespace conformance
