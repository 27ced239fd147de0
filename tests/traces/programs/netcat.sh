# needs: nc.openbsd
# Nobody listens; a server that takes one connection to its end.
nc.openbsd -z -v 127.0.0.1 9 || echo refused
nc.openbsd -z -v ::1 9 || echo refused
nc.openbsd -U /tmp/lxnet-no-such-socket </dev/null || echo none
/usr/bin/python3 -c '
import os, socket
server = socket.create_server(("127.0.0.1", 8500))
if os.fork() == 0:
    peer, _ = server.accept()
    while data := peer.recv(4096):
        pass
    peer.close()
    os._exit(0)
'
echo hello | nc.openbsd -N 127.0.0.1 8500
