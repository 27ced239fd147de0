# needs: busybox
# Nobody serves: the clients of busybox say so.
busybox nc -w 1 127.0.0.1 9 </dev/null || echo refused
busybox wget -q -O - http://127.0.0.1:9/ || echo refused
