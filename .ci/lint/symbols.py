"""The core's archives need nothing but memcpy, memmove, memset and memcmp, on x86-64 and riscv64, and only lower archives."""

import pathlib
import re
import subprocess
import tempfile

import common

ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
# In the order in which they may depend on one another; the families of compat/ do not know each other.
LAYERS = ["lxnet_base", "lxnet_hal", "lxnet_netdev", "lxnet_stack", "lxnet_listen_table", "lxnet_compat"]
FAMILIES = ["lxnet_trace", "lxnet_epoll", "lxnet_afunix", "lxnet_afalg", "lxnet_afnetlink", "lxnet_afpacket",
            "lxnet_tun"]
# What a family takes from a library that its host links: compat/afalg the primitives of mbedTLS.
BORROWED = {"lxnet_afalg": re.compile(r"mbedtls_(aes|aria|camellia|des3?|md5|poly1305|ripemd160|sha1|sha256|sha512)_\w+")}
PRESETS = {"freestanding": "", "freestanding-clang": "", "freestanding-riscv64": "riscv64-linux-gnu-"}
HINTS = {
    "__cxa_pure_virtual": "base/runtime.cc defines it for the whole core",
    "_ZdlPv": "a virtual destructor needs it: give the class its own, static void operator delete(void*, size_t) {}",
    "__cxa_guard": "a static local is initialised at run time: make it constexpr or move it into an object",
    "__cxa_atexit": "a static object has a destructor: move it into the Stack",
    "__tls": "thread_local is not available: keep the state in the Stack",
    "__atomic": "this machine has no instruction for an atomic of that size: use 4 or 8 bytes",
    "_ZSt": "a part of std that is not header-only",
}


def check(tree):
    if not tree.is_repository:
        check_fixture(tree)
        return
    for preset, prefix in PRESETS.items():
        built = subprocess.run([str(tree.root / "lxnet"), "build", "--preset", preset], capture_output=True, text=True)
        if built.returncode:
            tree.problem(preset, "does not build: " + (built.stdout + built.stderr)[-2000:], f"run: ./lxnet build --preset {preset}")
            continue
        check_archives(tree, preset, prefix, tree.root / "build" / preset / "lib")
        linked = subprocess.run([str(tree.root / "lxnet"), "build", "--preset", preset, "template_kernel"], capture_output=True,
                                text=True)
        if linked.returncode:
            tree.problem(preset, "does not link with hosts/template: " + (linked.stdout + linked.stderr)[-2000:],
                         "the core needs something that a kernel does not have, or the template misses a function")


def check_archives(tree, label, prefix, directory):
    lower = set()
    for archive in LAYERS:
        lower |= check_archive(tree, label, prefix, directory / f"lib{archive}.a", lower)
    for archive in FAMILIES:
        check_archive(tree, label, prefix, directory / f"lib{archive}.a", lower)


def check_archive(tree, label, prefix, path, lower):
    """Reports what `path` needs and nobody below has; returns what it defines."""
    if not path.exists():
        return set()
    defined, needed, users = set(), set(), {}
    member = ""
    listing = subprocess.run([prefix + "nm", "-P", str(path)], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        fields = line.split()
        if line.endswith(":"):
            member = line.rsplit("[", 1)[-1].rstrip("]:")
        elif len(fields) >= 2 and fields[1] in "Uwv":
            needed.add(fields[0])
            users.setdefault(fields[0], member)
        elif len(fields) >= 2:
            defined.add(fields[0])
    borrowed = BORROWED.get(path.stem[3:])
    for symbol in sorted(needed - defined - lower - ALLOWED):
        if borrowed is not None and borrowed.fullmatch(symbol):
            continue
        hint = next((text for start, text in HINTS.items() if symbol.startswith(start)),
                    "the core may call lower archives and the HAL table only")
        tree.problem(f"{label} {path.stem[3:]}", f"{users[symbol]} needs {demangle(symbol)}", hint)
    check_sections(tree, label, prefix, path)
    return defined


def check_sections(tree, label, prefix, path):
    listing = subprocess.run([prefix + "readelf", "-SW", str(path)], check=True, capture_output=True, text=True).stdout
    for section, remedy in ((".init_array", "a static object has a constructor: make it constexpr or move it into the Stack"),
                            (".tbss", "thread_local is not available"), (".tdata", "thread_local is not available")):
        if section in listing:
            tree.problem(f"{label} {path.stem[3:]}", f"has a section {section}", remedy)


def demangle(symbol):
    return subprocess.run(["c++filt", symbol], capture_output=True, text=True).stdout.strip()


def check_fixture(tree):
    """A fixture's folders become archives as the core's do."""
    with tempfile.TemporaryDirectory() as directory:
        for folder in ("base", "hal", "stack"):
            objects = []
            for source in sorted((tree.root / folder).glob("*.cc")):
                objects.append(f"{directory}/{folder}_{source.stem}.o")
                subprocess.run(["g++", "-std=c++20", "-O2", "-ffreestanding", "-fno-exceptions", "-fno-rtti", "-fno-pie",
                                f"-I{tree.root}", "-c", str(source), "-o", objects[-1]], check=True)
            if objects:
                subprocess.run(["ar", "rcs", f"{directory}/liblxnet_{folder}.a", *objects], check=True)
        check_archives(tree, "fixture", "", pathlib.Path(directory))


if __name__ == "__main__":
    common.main(check)
