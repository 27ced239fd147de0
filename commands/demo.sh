#: Show what lxnet does: a simulated network, then an unmodified web server and client
#:
#: Usage: ./lxnet demo [ARGUMENT]...
#:
#: First hosts and a router in one process on a virtual clock: ping, traceroute, UDP under loss, a table, and a capture that Wireshark
#: opens. Then python3's web server and a client of it, unmodified, whose network calls are answered by lxnet. ARGUMENTs are the
#: simulation's; --help lists them.
#? hosts/sim/demo

command_demo() {
  while (($#)) && take_common_option "$@"; do shift "$taken"; done
  preset=${preset:-release}
  build_targets "$preset" lxnet_demo lxnet-run
  local bin
  bin=$(build_directory "$preset")/bin
  run "$bin/lxnet_demo" "$@"
  if (($#)); then return 0; fi
  printf '\nAn unmodified program: a web server and its client in python3, on lxnet.\n'
  run "$bin/lxnet-run" --stats -- python3 -c "$demo_program"
}

# One process, two threads; the address is lxnet's own 127.0.0.1, which nothing on this machine can reach.
demo_program='
import http.client, http.server, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"served by lxnet\n" * 4096
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
sizes = []
for _ in range(20):
    client = http.client.HTTPConnection("127.0.0.1", 8080)
    client.request("GET", "/")
    sizes.append(len(client.getresponse().read()))
    client.close()
print(f"  {len(sizes)} requests, {sum(sizes)} bytes")
server.shutdown()
'
