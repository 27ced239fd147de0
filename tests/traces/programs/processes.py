# Sockets across fork, and passed over AF_UNIX.
import os, socket

a, b = socket.socketpair()
server = socket.create_server(("127.0.0.1", 0))
child = os.fork()
if child == 0:
    a.close()
    client = socket.create_connection(server.getsockname())
    server.close()
    client.sendall(b"from the child")
    socket.send_fds(b, [b"mine"], [client.fileno()])
    os._exit(7)
b.close()
peer, _ = server.accept()
data, descriptors, flags, _ = socket.recv_fds(a, 100, 4)
passed = socket.socket(fileno=descriptors[0])
print(data, os.waitpid(child, 0)[1], peer.recv(100))
peer.sendall(b"answer")
print(passed.recv(100), passed.getpeername() == server.getsockname(), a.recv(10))
