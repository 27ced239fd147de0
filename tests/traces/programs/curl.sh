# needs: curl
# Nobody listens; a name that is a number; a refused connection is reported.
curl -s http://127.0.0.1:9/ || echo "curl: $?"
curl -s --connect-timeout 1 'http://[::1]:9/' || echo "curl: $?"
