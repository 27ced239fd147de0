# needs: redis-cli
# Nobody serves, by TCP and by a path; then a server of a few lines answers PING, SET and an error.
redis-cli -p 9 ping || echo refused
redis-cli -h ::1 -p 9 ping || echo refused
redis-cli -s /tmp/lxnet-no-such-socket ping || echo refused
/usr/bin/python3 -c '
import os, socket
server = socket.create_server(("127.0.0.1", 6400))
if os.fork() == 0:
    for _ in range(3):
        peer, _ = server.accept()
        while data := peer.recv(4096):
            peer.sendall(b"-ERR unknown command\r\n" if b"FAIL" in data else b"+OK\r\n")
        peer.close()
    os._exit(0)
'
redis-cli -p 6400 ping
redis-cli -p 6400 set key value
redis-cli -p 6400 fail
