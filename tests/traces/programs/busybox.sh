# needs: busybox
# A server and a client of busybox, over a port and its close.
busybox nc -l -p 8100 -e busybox cat &
server=$!
busybox sleep 0.5
echo hello | busybox nc -w 1 127.0.0.1 8100
wait $server
