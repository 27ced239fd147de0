# Datagrams: connected and not, truncated, peeked at, to nobody.
import socket

a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b.sendto(b"one", a.getsockname())
data, name = a.recvfrom(100)
a.sendto(b"two, longer", name)
print(b.recvfrom_into(bytearray(3))[0])
a.sendto(b"three", name)
print(b.recv(100, socket.MSG_PEEK), b.recv(100))
b.connect(a.getsockname())
b.send(b"")
print(a.recv(10))
a.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
a.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
b.send(b"control")
print(a.recvmsg(100, 256)[:3])
a.close()
try:
    b.send(b"x")
    b.send(b"y")
except ConnectionRefusedError as error:
    print(error)
b.setblocking(False)
try:
    b.recv(1)
except BlockingIOError:
    pass
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.bind(("::1", 0))
six.sendto(b"to myself", six.getsockname())
print(six.recvfrom(100)[0])
six.close()
