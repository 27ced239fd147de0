// Programs that let the kernel encipher: libkcapi's tools, OpenSSL's afalg engine, Python.

#include "tests/hosts/linux/apps/app.hh"

namespace lxnet::test {
namespace {

constexpr char kHasAlg[] = "python3 -c 'import socket; socket.socket(38, 5)' 2>/dev/null";

// clang-format off: it takes scripts for code
const App kApps[] = {
    {"KcapiDigests",
     {"kcapi-dgst", "sha256sum", "python3"},
     R"sh(head -c 300000 /dev/urandom > file
same "$(kcapi-dgst -c sha256 -i file --hex)" "$(sha256sum < file | cut -c1-64)"
same "$(kcapi-dgst -c sha512 -i file --hex)" "$(sha512sum < file | cut -c1-128)"
printf abc > abc
same "$(kcapi-dgst -c 'hmac(sha256)' --keyfd 3 -i abc --hex 3< abc)" 2f02e24ae2e1fe880399f27600afa88364e6062bf9bbe114b32fa8f23d03608a)sh",
     Unix::OfTheHost,
     kHasAlg},
    {"KcapiCiphers",
     {"kcapi-enc", "python3"},
     // Its last byte must not look like padding, which kcapi-enc takes off also where it put none on.
     R"sh(head -c 99999 /dev/urandom > file
printf Z >> file
for cipher in 'cbc(aes)' 'ctr(aes)'; do
  flags="-p secret -s 1234567890 --pbkdfiter 10 --iv 00112233445566778899aabbccddeeff"
  kcapi-enc $flags -c "$cipher" -i file -o sealed 2> log
  if cmp -s file sealed; then exit 1; fi
  kcapi-enc -d $flags -c "$cipher" -i sealed -o opened 2> log
  cmp file opened
done)sh",
     Unix::OfTheHost,
     kHasAlg},
    {"KcapiRandom",
     {"kcapi-rng", "python3"},
     R"sh(one=$(kcapi-rng -b 32 --hex); other=$(kcapi-rng -b 32 --hex)
same ${#one} 64; if test "$one" = "$other"; then exit 1; fi)sh",
     Unix::OfTheHost,
     kHasAlg},
    // By io_submit(), and an eventfd that tells of its end.
    {"OpensslsAfalgEngine",
     {"openssl", "cmp"},
     R"sh(head -c 100000 /dev/urandom > file
key=000102030405060708090a0b0c0d0e0f
for size in 128 256; do
  if test $size = 256; then key=$key$key; fi
  iv=0f0e0d0c0b0a09080706050403020100
  openssl enc -engine afalg -aes-$size-cbc -K $key -iv $iv -in file -out sealed
  openssl enc -aes-$size-cbc -K $key -iv $iv -in file -out expected
  cmp sealed expected
  openssl enc -d -engine afalg -aes-$size-cbc -K $key -iv $iv -in sealed -out opened
  cmp file opened
done)sh",
     Unix::OfTheHost,
     "openssl engine afalg 2>&1 | grep -q '(afalg)' && python3 -c 'import socket; socket.socket(38, 5)' 2>/dev/null"},
    {"PythonSealsAndOpens",
     {"python3"},
     R"sh(cat > script.py <<'END'
import socket
with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as parent:
    parent.bind(('aead', 'gcm(aes)'))
    parent.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, b'k' * 16)
    parent.setsockopt(socket.SOL_ALG, socket.ALG_SET_AEAD_AUTHSIZE, None, 16)
    operation, _ = parent.accept()
    operation.sendmsg_afalg([b'head', b'text'], op=socket.ALG_OP_ENCRYPT, iv=b'n' * 12, assoclen=4)
    sealed = operation.recv(24)
    operation.sendmsg_afalg([sealed], op=socket.ALG_OP_DECRYPT, iv=b'n' * 12, assoclen=4)
    assert operation.recv(8) == b'headtext'
END
python3 script.py)sh",
     Unix::OfTheHost,
     kHasAlg},
};
// clang-format on

INSTANTIATE_APPS(Alg, kApps);

}  // namespace
}  // namespace lxnet::test
