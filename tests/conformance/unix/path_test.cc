// The ways to a node: links of /proc, directories by descriptor, and another root.
#include <sys/wait.h>

#include "tests/conformance/unix/unix_posix.hh"

namespace conformance {
namespace {

struct Listening {
  explicit Listening(const Name& name) : name(name), fd(unix_socket(SOCK_STREAM)) {
    bind_name(fd, name);
    ::listen(fd, 32);
  }
  Name name;
  Fd fd;
};
Name path_name(const std::string& path) { return name_from(path + '\0'); }
long connects(const std::string& path) { return connect_name(unix_socket(SOCK_STREAM), path_name(path)); }
std::string of_number(const std::string& prefix, int fd) { return prefix + std::to_string(fd); }

TEST(UnixPaths, ALinkOfProcLeadsToTheNodeThatIsOpen) {
  Directory directory;
  const Listening open(directory.name("open"));
  const Fd node(::open(open.name.address.sun_path, O_PATH | O_CLOEXEC));
  ASSERT_GE(node, 0);
  for (const std::string prefix : {"/proc/self/fd/", "/proc/thread-self/fd/", "/proc/self/task/../fd/", "/dev/fd/"}) {
    EXPECT_EQ(connects(of_number(prefix, node)), 0) << prefix;
  }
  EXPECT_EQ(connects(of_number("/proc/" + std::to_string(::getpid()) + "/fd/", node)), 0);
  EXPECT_EQ(connects("/proc/self/root" + directory.path() + "/open"), 0);
  ASSERT_EQ(::symlink(of_number("/proc/self/fd/", node).c_str(), directory.file("link").c_str()), 0);
  EXPECT_EQ(connects(directory.path() + "/link"), 0);

  EXPECT_EQ(connects(of_number("/proc/self/fd/", node) + "/"), -ENOTDIR);
  EXPECT_EQ(connects(of_number("/proc/self/fd/", node) + "/x"), -ENOTDIR);
  EXPECT_EQ(connects("/proc/self/fd/999"), -ENOENT);
  EXPECT_EQ(connects("/proc/self/missing"), -ENOENT);
  EXPECT_EQ(connects("/proc/self/exe"), -ECONNREFUSED);
  EXPECT_EQ(connects(of_number("/proc/self/fd/", open.fd)), -ECONNREFUSED) << "the socket, and not its node";
  ASSERT_EQ(::unlink(open.name.address.sun_path), 0);
  EXPECT_EQ(connects(open.name.address.sun_path), -ENOENT);
  EXPECT_EQ(connects(of_number("/proc/self/fd/", node)), 0) << "a node without a name is a node";
}

TEST(UnixPaths, ANameIsMadeInADirectoryThatIsOpen) {
  Directory directory;
  const Fd place(::open(directory.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::string path = of_number("/proc/self/fd/", place) + "/made";
  const Listening made(path_name(path));
  EXPECT_EQ(name_of_socket(made.fd).text(), path + '\0');
  EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), made.name), -EADDRINUSE);
  EXPECT_EQ(connects(path), 0);
  EXPECT_EQ(connects(directory.file("made")), 0);
  EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), path_name(path + "/x")), -ENOTDIR);
  EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), path_name("/proc/self/fd/999/x")), -ENOENT);
  EXPECT_EQ(bind_name(unix_socket(SOCK_STREAM), path_name(of_number("/proc/self/fd/", place))), -EADDRINUSE);
}

TEST(UnixPaths, ARelativePathMayLeaveItsDirectory) {
  Directory directory;
  const Listening open(directory.name("open"));
  const std::string below = directory.path() + "/below";
  ASSERT_EQ(::mkdir(below.c_str(), 0700), 0);
  ASSERT_EQ(::symlink(open.name.address.sun_path, (below + "/link").c_str()), 0);
  ASSERT_EQ(::symlink("loop", (below + "/loop").c_str()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(below.c_str()) != 0) ::_exit(1);
    if (connects("../open") != 0) ::_exit(2);
    if (connects("link") != 0) ::_exit(3);
    if (connects("./../below/link") != 0) ::_exit(4);
    if (connects("loop") != -ELOOP || connects("loop/x") != -ELOOP) ::_exit(5);
    if (connects("/proc/self/cwd/link") != 0 || connects("/proc/self/cwd/../open") != 0) ::_exit(6);
    if (connects("/proc/self/cwd/link/") != -ENOTDIR) ::_exit(7);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::unlink((below + "/link").c_str());
  ::unlink((below + "/loop").c_str());
  ::rmdir(below.c_str());
}

TEST(UnixPaths, AnotherRootIsTheEndOfTheWayUp) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to change its root";
  Directory directory;
  const Listening open(directory.name("open"));
  ASSERT_EQ(::symlink("/open", directory.file("absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../../open", directory.file("upwards").c_str()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Fd outside(::open("/tmp", O_PATH | O_DIRECTORY));
    if (::chroot(directory.path().c_str()) != 0 || ::chdir("/") != 0) ::_exit(1);
    for (const char* path : {"/open", "/../open", "../../open", "absolute", "/absolute", "upwards", "/upwards", "./absolute"}) {
      if (connects(path) != 0) ::_exit(2);
    }
    if (connects(directory.path() + "/open") != -ENOENT) ::_exit(3);
    // Who stands outside of his root looks outside.
    if (::fchdir(outside) != 0) ::_exit(4);
    if (connects(directory.path().substr(std::string("/tmp/").size()) + "/open") != 0) ::_exit(5);
    if (connects(".." + directory.path() + "/open") != 0) ::_exit(6);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(UnixPaths, WhoMayNotLookIntoAProcessMayNotFollowItsLinks) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  Directory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const Listening open(directory.name("open"));
  ASSERT_EQ(::chmod(open.name.address.sun_path, 0777), 0);
  const Fd node(::open(open.name.address.sun_path, O_PATH | O_CLOEXEC));
  const std::string ours = of_number("/proc/" + std::to_string(::getpid()) + "/fd/", node);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(60, 60, 60) != 0 || ::setresuid(50, 50, 50) != 0) ::_exit(1);
    if (connects(open.name.address.sun_path) != 0) ::_exit(2);
    if (connects(ours) != -EACCES) ::_exit(3);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace conformance
