# A server and its clients, one after the other and in threads; both ends' names, half-close, reset, refused.
import socket, struct, threading

server = socket.create_server(("127.0.0.1", 0))
address = server.getsockname()


def serve(count):
    for _ in range(count):
        peer, name = server.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := peer.recv(4096):
            peer.sendall(data.upper())
        peer.close()


thread = threading.Thread(target=serve, args=(3,))
thread.start()
for text in (b"hello", b"x" * 3000, b""):
    client = socket.create_connection(address)
    if text:
        client.sendall(text)
    assert client.getpeername() == address
    client.shutdown(socket.SHUT_WR)
    received = b""
    while data := client.recv(4096):
        received += data
    assert received == text.upper()
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    client.close()
thread.join()

client = socket.create_connection(address)
peer, _ = server.accept()
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
client.close()
try:
    peer.recv(1)
except ConnectionResetError:
    pass
peer.close()
server.close()
try:
    socket.create_connection(address)
except ConnectionRefusedError:
    pass
