// Unmodified programs from Debian packages, each natively first and then on lxnet. A program that is not installed is skipped.

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"

namespace lxnet::test {
namespace {

struct App {
  const char* name;
  std::vector<const char*> needs;  // programs
  const char* script;              // of sh -eu, in an empty directory; fails by its status
  bool serves_unix = false;        // AF_UNIX by lxnet too
};

// Waits until the server listens: a connection is accepted or a file appears.
constexpr char kFunctions[] = R"sh(
until_connects() { for i in $(seq 100); do nc -z 127.0.0.1 "$1" 2>/dev/null && return; sleep 0.05; done; echo "nobody listens on $1"; exit 9; }
until_exists() { for i in $(seq 100); do test -e "$1" && return; sleep 0.05; done; echo "no $1"; exit 9; }
same() { test "$1" = "$2" || { echo "not the same: '$1' and '$2'"; exit 8; }; }
)sh";

// clang-format off: it takes scripts for code
const App kApps[] = {
    {"PythonUdp",
     {"python3"},
     R"sh(python3 - <<'END'
import socket, threading, select
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(("127.0.0.1", 0))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.settimeout(2)
def echo():
    for _ in range(200):
        data, peer = a.recvfrom(2048); a.sendto(data[::-1], peer)
t = threading.Thread(target=echo); t.start()
for i in range(200):
    text = b"%d " % i * 100
    b.sendto(text, a.getsockname()); data, peer = b.recvfrom(2048)
    assert data == text[::-1] and peer == a.getsockname()
t.join()
r, w, x = select.select([a], [a], [], 0.05); assert not r and w == [a]
b.connect(a.getsockname()); assert b.getpeername() == a.getsockname()
b.send(b"x"); r, w, x = select.select([a], [], [], 1); assert r == [a]
try: b.settimeout(0.05); b.recv(1); assert False
except TimeoutError: pass
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: c.bind(a.getsockname()); assert False
except OSError as e: assert e.errno == 98
END)sh"},
    {"PythonTcp",
     {"python3"},
     R"sh(python3 - <<'END'
import socket, threading
s = socket.create_server(("127.0.0.1", 0))
def serve():
    for _ in range(20):
        c, peer = s.accept()
        with c:
            while data := c.recv(65536): c.sendall(data)
t = threading.Thread(target=serve); t.start()
for i in range(20):
    with socket.create_connection(s.getsockname()) as c:
        text = bytes([i]) * 100000; c.sendall(text); c.shutdown(socket.SHUT_WR)
        got = b""
        while data := c.recv(65536): got += data
        assert got == text, (len(got), len(text))
t.join()
END)sh"},
    {"PythonAsyncio",
     {"python3"},
     R"sh(python3 - <<'END'
import asyncio
async def handle(reader, writer):
    while line := await reader.readline(): writer.write(line.upper()); await writer.drain()
    writer.close()
async def client(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(20):
        writer.write(b"line %d of %d\n" % (i, n)); assert await reader.readline() == b"LINE %d OF %d\n" % (i, n)
    writer.close(); await writer.wait_closed()
async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    await asyncio.gather(*(client(server.sockets[0].getsockname()[1], n) for n in range(50)))
asyncio.run(main())
END)sh"},
    {"CurlAndPythonHttpServer",
     {"python3", "curl", "nc"},
     R"sh(head -c 300000 /dev/urandom > file
python3 -m http.server --bind 127.0.0.1 8000 2>/dev/null & until_connects 8000
curl -sS -o copy http://127.0.0.1:8000/file; cmp file copy
same "$(curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/none)" 404)sh"},
    {"NetcatTcp",
     {"nc"},
     R"sh(head -c 200000 /dev/urandom > file
nc -l -N 127.0.0.1 5000 > copy < /dev/null & sleep 0.3
nc -N 127.0.0.1 5000 < file; wait; cmp file copy)sh"},
    {"NetcatUdp",
     {"nc"},
     R"sh(nc -u -l -W 1 127.0.0.1 5000 > copy & sleep 0.3
echo hello | nc -u -w 1 127.0.0.1 5000; wait; same "$(cat copy)" hello)sh"},
    {"Socat",
     {"socat"},
     R"sh(socat TCP-LISTEN:5000,bind=127.0.0.1,fork,reuseaddr EXEC:cat & sleep 0.3
for i in 1 2 3; do same "$(echo "through $i" | socat -t 2 - TCP:127.0.0.1:5000)" "through $i"; done)sh"},
    {"Redis",
     {"redis-server", "redis-cli", "redis-benchmark", "nc"},
     R"sh(redis-server --bind 127.0.0.1 --port 6379 --save '' > log & until_connects 6379
same "$(redis-cli set key value)" OK
same "$(redis-cli get key)" value
redis-benchmark -q -n 2000 -c 20 -t set,get > report
redis-cli shutdown nosave || true; wait)sh"},
    {"RedisOverUnixSocket",
     {"redis-server", "redis-cli"},
     R"sh(redis-server --port 0 --unixsocket "$PWD/socket" --save '' > log & until_exists socket
same "$(redis-cli -s socket set key value)" OK
same "$(redis-cli -s socket get key)" value
redis-cli -s socket shutdown nosave || true; wait)sh"},
    {"RedisOverAfUnixOfLxnet",
     {"redis-server", "redis-cli"},
     R"sh(redis-server --port 0 --unixsocket "$PWD/socket" --save '' > log & until_exists socket
same "$(redis-cli -s socket set key value)" OK
same "$(redis-cli -s socket get key)" value
redis-cli -s socket shutdown nosave || true; wait)sh",
     true},
    {"PythonAfUnix",
     {"python3"},
     R"sh(python3 - <<'END'
import os, socket
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(3) == b"x"
s = socket.socket(socket.AF_UNIX); s.bind("socket"); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect("socket"); d, _ = s.accept()
c.send(b"hello"); assert d.recv(10) == b"hello"
r, w = os.pipe(); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
socket.send_fds(c, [b"f"], [r, u.fileno()]); _, fds, _, _ = socket.recv_fds(d, 10, 4)
os.write(w, b"pipe"); assert os.read(fds[0], 9) == b"pipe"
assert socket.socket(fileno=fds[1]).getsockname() == u.getsockname()
try: socket.socket(socket.AF_UNIX).connect("none"); assert False
except FileNotFoundError: pass
END)sh",
     true},
    {"NginxWithWorkers",
     {"nginx", "curl", "nc"},
     R"sh(mkdir html; chmod 755 . html; head -c 1000000 /dev/urandom > html/file; echo small > html/small; chmod 644 html/*
cat > conf <<END
daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log;
events { worker_connections 64; }
http { access_log off; sendfile on; server { listen 127.0.0.1:8080; root $PWD/html; } }
END
nginx -e error.log -c "$PWD/conf" & until_connects 8080
for i in 1 2 3 4 5; do curl -sS -o copy http://127.0.0.1:8080/file; cmp html/file copy; done
same "$(curl -sS http://127.0.0.1:8080/small)" small
kill -QUIT "$(cat pid)"; wait)sh"},
    {"OpensslServerAndClient",
     {"openssl", "nc"},
     R"sh(openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -subj /CN=localhost -days 1 2>/dev/null
openssl s_server -accept 127.0.0.1:4433 -key key -cert certificate -rev -quiet 2>/dev/null & until_connects 4433
same "$( (echo hello; sleep 0.5) | openssl s_client -connect 127.0.0.1:4433 -quiet -no_ign_eof 2>/dev/null)" olleh)sh"},
    {"Iperf3Tcp",
     {"iperf3"},
     R"sh(iperf3 -s -B 127.0.0.1 -p 5201 -1 > server & sleep 0.4
iperf3 -c 127.0.0.1 -p 5201 -t 1 -P 2 > report || { cat report; exit 1; }; wait)sh"},
    {"GitClone",
     {"git", "nc"},
     R"sh(git init -q origin; cd origin; git config user.email a@b; git config user.name n; echo text > file; git add file; git commit -qm one; cd ..
git daemon --export-all --base-path="$PWD" --listen=127.0.0.1 --port=9418 2>/dev/null & until_connects 9418
git clone -q git://127.0.0.1/origin copy; cmp origin/file copy/file)sh"},
    {"Busybox",
     {"busybox", "nc"},
     R"sh(mkdir web; echo page > web/index.html
busybox httpd -f -p 127.0.0.1:8081 -h web & until_connects 8081
same "$(busybox wget -q -O - http://127.0.0.1:8081/index.html)" page)sh"},
};
// clang-format on

bool is_installed(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return host::shell_status(status);
}

// What a script leaves running ends with it, as it does on lxnet.
int run_natively(const std::function<int()>& body) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = wait_for(pid);
  host::kill_descendants([] { ::usleep(1000); });
  return status;
}

enum class Kernel { Linux, Lxnet };

int run_script(const App& app, Kernel kernel) {
  std::string text = std::string(kFunctions) + app.script;
  host::RunOptions options;
  options.log_level = 1;
  options.serves_unix = app.serves_unix;
  const char* words[] = {"timeout", "-k", "1", "20", "sh", "-euc", text.c_str(), nullptr};
  auto body = [&] { return host::exec_program(const_cast<char* const*>(words)); };
  pid_t pid = ::fork();
  if (pid == 0) {
    char directory[] = "/tmp/lxnet-app-XXXXXX";
    if (::mkdtemp(directory) == nullptr || ::chdir(directory) != 0) ::_exit(100);
    // A network of its own, where that is possible, keeps the native run from meeting other servers.
    if (kernel == Kernel::Linux && ::unshare(CLONE_NEWNET) == 0 && std::system("ip link set lo up") != 0) ::_exit(101);
    int status = kernel == Kernel::Lxnet ? host::run_supervised(options, body) : run_natively(body);
    if (std::system((std::string("rm -r ") + directory).c_str()) != 0) ::_exit(102);
    ::_exit(status);
  }
  return wait_for(pid);
}

class Apps : public testing::TestWithParam<App> {};

TEST_P(Apps, WorkAsOnLinux) {
  for (const char* program : GetParam().needs) {
    if (!is_installed(program)) GTEST_SKIP() << program << " is not installed";
  }
  ASSERT_EQ(run_script(GetParam(), Kernel::Linux), 0) << "on Linux itself";
  EXPECT_EQ(run_script(GetParam(), Kernel::Lxnet), 0) << "on lxnet";
}

INSTANTIATE_TEST_SUITE_P(Debian, Apps, testing::ValuesIn(kApps), [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace lxnet::test
