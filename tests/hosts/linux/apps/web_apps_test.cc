// HTTP and TLS: servers and clients of several makers.

#include "tests/hosts/linux/apps/app.hh"

namespace lxnet::test {
namespace {

// clang-format off: it takes scripts for code
const App kApps[] = {
    {"CurlAndPythonHttpServer",
     {"python3", "curl", "nc"},
     R"sh(head -c 300000 /dev/urandom > file
python3 -m http.server --bind 127.0.0.1 8000 2>/dev/null & until_connects 8000
curl -sS -o copy http://127.0.0.1:8000/file; cmp file copy
curl -sS -o copy1 http://127.0.0.1:8000/file -o copy2 http://127.0.0.1:8000/file; cmp file copy1; cmp file copy2
curl -sS --parallel -o a http://127.0.0.1:8000/file -o b http://127.0.0.1:8000/file -o c http://127.0.0.1:8000/file
cmp file a; cmp file b; cmp file c
same "$(curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/none)" 404
if curl -sS http://127.0.0.1:8001/ 2>error; then exit 1; else same $? 7; fi
python3 -m http.server --bind ::1 8000 2>/dev/null & until_connects 8000 ::1
curl -sS -o copy6 'http://[::1]:8000/file'; cmp file copy6)sh"},
    {"NginxWithWorkers",
     {"nginx", "curl", "nc", "wrk"},
     R"sh(mkdir html; chmod 755 . html; head -c 1000000 /dev/urandom > html/file; echo small > html/small; chmod 644 html/*
cat > conf <<END
daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log;
events { worker_connections 128; }
http { access_log off; sendfile on; tcp_nopush on; server { listen 127.0.0.1:8080; listen [::1]:8080; root $PWD/html; }
  server { listen 127.0.0.1:8082 reuseport; location / { proxy_pass http://127.0.0.1:8080; } } }
END
nginx -e error.log -c "$PWD/conf" & until_connects 8080
for i in 1 2 3 4 5; do curl -sS -o copy http://127.0.0.1:8080/file; cmp html/file copy; done
curl -sS -o copy 'http://[::1]:8080/file'; cmp html/file copy
curl -sS -o copy http://127.0.0.1:8082/file; cmp html/file copy
curl -sS -r 1000-99999 http://127.0.0.1:8080/file > part; tail -c +1001 html/file | head -c 99000 | cmp - part
same "$(curl -sS http://127.0.0.1:8080/small)" small
for url in http://127.0.0.1:8080/small http://127.0.0.1:8080/file http://127.0.0.1:8082/small; do
  wrk -t 1 -c 8 -d 1 "$url" > report || { cat report; exit 1; }
  if grep -E 'Socket errors|Non-2xx' report || grep -q ' 0 requests' report; then cat report; exit 1; fi
done
kill -HUP "$(cat pid)"; sleep 0.3; same "$(curl -sS http://127.0.0.1:8080/small)" small
kill -QUIT "$(cat pid)"; wait)sh"},
    {"OpensslServerAndClient",
     {"openssl", "nc", "curl"},
     R"sh(openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -subj /CN=localhost -days 1 2>/dev/null
openssl s_server -accept 127.0.0.1:4433 -key key -cert certificate -rev -quiet 2>/dev/null & until_connects 4433
same "$( (echo hello; sleep 0.5) | openssl s_client -connect 127.0.0.1:4433 -quiet -no_ign_eof 2>/dev/null)" olleh
openssl s_server -accept 127.0.0.1:4434 -key key -cert certificate -www -quiet 2>/dev/null & until_connects 4434
curl -sSk https://127.0.0.1:4434/ | grep -q 'Ciphers supported')sh"},
    {"GitClone",
     {"git", "nc", "python3"},
     R"sh(export HOME="$PWD"
git init -q origin; cd origin; git config user.email a@b; git config user.name n
head -c 200000 /dev/urandom > file; git add file; git commit -qm one; git update-server-info; cd ..
git daemon --export-all --base-path="$PWD" --listen=127.0.0.1 --port=9418 2>/dev/null & until_connects 9418
git clone -q git://127.0.0.1/origin copy; cmp origin/file copy/file
python3 -m http.server --bind 127.0.0.1 8000 2>/dev/null & until_connects 8000
git clone -q http://127.0.0.1:8000/origin/.git copy2; cmp origin/file copy2/file)sh"},
    {"Busybox",
     {"busybox", "nc"},
     R"sh(mkdir web; head -c 100000 /dev/urandom > web/file
busybox httpd -f -p 127.0.0.1:8081 -h web & until_connects 8081
busybox wget -q -O copy http://127.0.0.1:8081/file; cmp web/file copy
# Each ends with its input or with the connection, whichever comes first: the listener's input stays open.
mkfifo hold; exec 3<>hold
busybox nc -l -p 5000 > copy2 <&3 & listener=$!; sleep 0.3
busybox nc 127.0.0.1 5000 < web/file; wait $listener; cmp web/file copy2)sh"},
};
// clang-format on

INSTANTIATE_APPS(Web, kApps);

}  // namespace
}  // namespace lxnet::test
