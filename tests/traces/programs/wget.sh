# needs: wget
# A file from a server of a few lines, one that is not there, and nobody.
/usr/bin/python3 -c '
import os, socket
server = socket.create_server(("127.0.0.1", 8400))
if os.fork() == 0:
    for _ in range(2):
        peer, _ = server.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += peer.recv(4096)
        body = b"a" * 3000
        if b"GET /file" in request:
            peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3000\r\n\r\n" + body)
        else:
            peer.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        peer.close()
    os._exit(0)
'
wget -q -t 1 -O /dev/null http://127.0.0.1:8400/file
wget -q -t 1 -O /dev/null http://127.0.0.1:8400/none || echo "none"
wget -q -t 1 -O /dev/null http://127.0.0.1:9/ || echo "nobody"
