// Python: sockets, asyncio, selectors.

#include "tests/hosts/linux/apps/app.hh"

namespace lxnet::test {
namespace {

// clang-format off: it takes scripts for code
const App kApps[] = {
    {"Udp",
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
    {"Tcp",
     {"python3"},
     R"sh(python3 - <<'END'
import socket, threading
for host, family in ("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6):
    s = socket.create_server((host, 0), family=family)
    def serve():
        for _ in range(20):
            c, peer = s.accept()
            with c:
                while data := c.recv(65536): c.sendall(data)
    t = threading.Thread(target=serve); t.start()
    for i in range(20):
        with socket.create_connection(s.getsockname()[:2]) as c:
            text = bytes([i]) * 100000; c.sendall(text); c.shutdown(socket.SHUT_WR)
            got = b""
            while data := c.recv(65536): got += data
            assert got == text, (len(got), len(text))
    t.join(); s.close()
try: socket.create_connection(("127.0.0.1", 1)); assert False
except ConnectionRefusedError: pass
END)sh"},
    {"Asyncio",
     {"python3"},
     R"sh(python3 - <<'END'
import asyncio, os, signal, sys
async def handle(reader, writer):
    while line := await reader.readline(): writer.write(line.upper()); await writer.drain()
    writer.close()
async def client(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(20):
        writer.write(b"line %d of %d\n" % (i, n)); assert await reader.readline() == b"LINE %d OF %d\n" % (i, n)
    writer.close(); await writer.wait_closed()
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer): self.transport.sendto(data * 2, peer)
class Ask(asyncio.DatagramProtocol):
    def __init__(self): self.answer = asyncio.get_running_loop().create_future()
    def datagram_received(self, data, peer): self.answer.set_result(data)
async def main():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    await asyncio.gather(*(client(server.sockets[0].getsockname()[1], n) for n in range(50)))
    here, _ = await loop.create_datagram_endpoint(Echo, local_addr=("::1", 0))
    there, ask = await loop.create_datagram_endpoint(Ask, remote_addr=here.get_extra_info("sockname")[:2])
    there.sendto(b"twice"); assert await asyncio.wait_for(ask.answer, 2) == b"twicetwice"
    # Pipes of a child beside sockets, a signal through the wake-up descriptor, a timeout.
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await child.communicate(b"through a pipe"); assert out == b"through a pipe" and child.returncode == 0
    came = asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, came.set)
    os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(came.wait(), 2)
    try: await asyncio.wait_for(asyncio.sleep(5), 0.05); assert False
    except asyncio.TimeoutError: pass
asyncio.run(main())
END)sh"},
    {"Selectors",
     {"python3"},
     R"sh(python3 - <<'END'
import os, selectors, socket
for kind in selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector:
    with kind() as selector:
        server = socket.create_server(("127.0.0.1", 0)); server.setblocking(False)
        r, w = os.pipe()
        selector.register(server, selectors.EVENT_READ, "server"); selector.register(r, selectors.EVENT_READ, "pipe")
        assert selector.select(0) == []
        clients = [socket.create_connection(server.getsockname()) for _ in range(10)]
        for i, c in enumerate(clients): c.sendall(b"%d" % i * 3000)
        os.write(w, b"x")
        got, seen = {}, set()
        while len(seen) < 10 or "pipe" not in got:
            for key, events in selector.select(2) or exit("timed out"):
                if key.data == "server":
                    c, peer = server.accept(); c.setblocking(False)
                    selector.register(c, selectors.EVENT_READ | selectors.EVENT_WRITE, peer)
                elif key.data == "pipe": got["pipe"] = os.read(r, 10); selector.unregister(r)
                elif events & selectors.EVENT_READ:
                    got[key.data] = got.get(key.data, b"") + key.fileobj.recv(1000)
                    if len(got[key.data]) == 3000: seen.add(key.data); selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
        assert sorted(v[:1] for k, v in got.items() if k != "pipe") == [b"%d" % i for i in range(10)]
        for c in clients: c.close()
        ended = 0
        while ended < 10:
            for key, events in selector.select(2) or exit("timed out"):
                assert key.fileobj.recv(10) == b""; selector.unregister(key.fileobj); key.fileobj.close(); ended += 1
        server.close(); os.close(r); os.close(w)
END)sh"},
    {"AfUnix",
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
     Unix::OfLxnet},
    {"SubprocessesInheritSockets",
     {"python3"},
     R"sh(python3 - <<'END'
import multiprocessing, os, socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 0)); os.set_inheritable(s.fileno(), True)
code = "import socket,sys; s=socket.socket(fileno=int(sys.argv[1])); c,_=s.accept(); c.sendall(b'from a child'); c.close()"
p = subprocess.Popen([sys.executable, "-c", code, str(s.fileno())], close_fds=False)
c = socket.create_connection(s.getsockname()); assert c.recv(100, socket.MSG_WAITALL) == b"from a child"; assert p.wait() == 0
def work(n):
    with socket.create_connection(s.getsockname()) as c: c.sendall(b"%d" % n); return c.recv(10)
pid = os.fork()
if pid == 0:
    for _ in range(8):
        c, _ = s.accept(); c.sendall(c.recv(10) * 2); c.close()
    os._exit(0)
with multiprocessing.get_context("fork").Pool(4) as pool: assert pool.map(work, range(8)) == [b"%d%d" % (n, n) for n in range(8)]
assert os.waitpid(pid, 0)[1] == 0
END)sh"},
};
// clang-format on

INSTANTIATE_APPS(Python, kApps);

}  // namespace
}  // namespace lxnet::test
