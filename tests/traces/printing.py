# Every kind of argument that a trace decodes.
import socket,select,struct,fcntl,os,array
a=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); a.bind(("127.0.0.1",0)); b=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for n in (8,12,13,11,20,6): a.setsockopt(0,n,1)
for n in (29,35,40,36): 
  try: a.setsockopt(1,n,1)
  except OSError as e: print(n,e)
b.sendto(b"hello",a.getsockname()); a.recvmsg(100,1000)
b.sendmsg([b"x",b"y"],[(0,8,struct.pack("iII",1,0,0)),(0,2,struct.pack("i",5))],0,a.getsockname()); a.recvmsg(1)
b.connect(a.getsockname()); b.setsockopt(0,11,1); a.close(); b.send(b"x")
try: b.recv(10)
except OSError: pass
b.recvmsg(100,1000,socket.MSG_ERRQUEUE)
s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.bind(("::1",0)); 
for n in (49,51,66): s.setsockopt(41,n,1)
s.sendto(b"x",s.getsockname()); s.recvmsg(10,1000)
u,v=socket.socketpair(); v.setsockopt(1,16,1); u.send(b"cred"); v.recvmsg(10,100)
socket.send_fds(u,[b"x"],[0,1]); socket.recv_fds(v,10,4)
for f in (0x8912,0x8913,0x8915,0x8921,0x8927,0x8933,0x541b,0x5411,0x8905,0x5421):
  try: fcntl.ioctl(s,f,struct.pack("16s24x",b"lo") if f>0x8910 and f!=0x8912 else bytearray(40))
  except OSError as e: pass
fcntl.fcntl(s,fcntl.F_GETFL); fcntl.fcntl(s,4,os.O_NONBLOCK); fcntl.fcntl(s,fcntl.F_GETOWN); fcntl.fcntl(s, fcntl.F_SETOWN, os.getpid()); fcntl.fcntl(s,1030,10); fcntl.fcntl(s,1); fcntl.fcntl(s,2,1)
p=select.poll(); p.register(s,0xffff); p.poll(0); p.poll(1)
select.select([s],[s],[],0.01); select.select([],[],[s],0.001)
s.shutdown
e=select.epoll(); e.register(s,select.EPOLLIN|select.EPOLLET|select.EPOLLONESHOT); e.modify(s,4); e.poll(0); e.unregister(s)
s.setsockopt(41,20,socket.inet_pton(10,"ff02::1")+struct.pack("i",1)); 
a=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); a.setsockopt(0,35,socket.inet_aton("224.0.0.5")+socket.inet_aton("127.0.0.1")); a.setsockopt(0,32,socket.inet_aton("127.0.0.1"))
a.setsockopt(1,20,struct.pack("ll",1,5)); a.setsockopt(1,13,struct.pack("ii",1,5)); a.setsockopt(1,25,b"lo\0")
a.getsockopt(6,11,300) if 0 else None
t=socket.socket(); t.getsockopt(6,11,300); t.setsockopt(6,13,b"cubic")
os.readv; os.writev(u.fileno(),[b"ab",b"cd"]); os.readv(v.fileno(),[bytearray(2),bytearray(10)])
un=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); un.bind("\0abc"); un.getsockname(); un2=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); un2.bind(""); 
try: un2.connect("/nonexist")
except OSError: pass
try: t.connect(("127.0.0.1",1))
except OSError: pass
t.listen(5); t.setblocking(False)
try: t.accept()
except OSError: pass
