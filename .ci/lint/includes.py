"""Includes: the core's freestanding headers only, dependencies one way, paths from the root."""

import re

import common

# STYLE: what a kernel's build has, or what is header-only and needs no operating system.
STANDARD = set("""type_traits concepts bit span utility optional array limits compare new atomic algorithm initializer_list
                  cstdint cstddef cstring climits stdint.h stddef.h stdbool.h string.h limits.h stdarg.h cstdarg""".split())
ABSEIL = {"absl/base/thread_annotations.h", "absl/base/attributes.h", "absl/base/optimization.h", "absl/numeric/bits.h",
          "absl/functional/function_ref.h", "absl/cleanup/cleanup.h", "absl/container/inlined_vector.h", "absl/types/span.h"}
# compat/afalg alone: primitives that compute on what they are given.
MBEDTLS = {f"mbedtls/{name}.h" for name in ("aes", "aria", "camellia", "des", "md5", "poly1305", "ripemd160", "sha1", "sha256", "sha512")}
INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")')
# A host may leave these archives out, so nothing that stays may need them.
OPTIONAL_FAMILIES = ("epoll", "afunix", "afalg", "afnetlink", "afpacket", "tun")


def check(tree):
    for name in tree.files(*common.CXX):
        if name.split("/")[0] not in common.LAYERS:
            continue
        exempt = tree.allows(name, "includes")
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            target, where = match.group(1)[1:-1], f"{name}:{number}"
            if target.startswith("absl/"):
                check_abseil(tree, name, where, target)
            elif match.group(1)[0] == "<":
                if not exempt:
                    check_standard(tree, name, where, target)
            else:
                check_ours(tree, name, where, target)


def check_standard(tree, name, where, target):
    if name.startswith("compat/afalg/") and target in MBEDTLS:
        return
    if common.is_core(name) and target not in STANDARD:
        tree.problem(where, f"<{target}> is not among the headers the core may use",
                     "use base/ instead, or move the code to a host; the list is STANDARD in .ci/lint/includes.py")


def check_abseil(tree, name, where, target):
    if common.is_core(name) and target not in ABSEIL:
        tree.problem(where, f"{target} is not among abseil's parts that need no operating system",
                     "use base/ instead, or move the code to a host; the list is ABSEIL in .ci/lint/includes.py")


def check_ours(tree, name, where, target):
    layer, target_layer = name.split("/")[0], target.split("/")[0]
    if target_layer not in common.LAYERS:
        if layer != "hosts":
            tree.problem(where, f'"{target}" is not a path from the root into a layer',
                         f"write \"{'/'.join(name.split('/')[:-1])}/{target}\" if the file is a neighbour")
        return
    if not (tree.root / target).exists():
        tree.problem(where, f'"{target}" does not exist', "correct the path: it starts at the root")
        return
    if common.LAYERS.index(target_layer) > common.LAYERS.index(layer):
        tree.problem(where, f"{layer}/ must not know {target_layer}/, which stands above it",
                     "let the upper layer register a function or an interface with the lower one")
    if name.startswith("stack/wire/") and not target.startswith(("base/", "stack/wire/")):
        tree.problem(where, f"stack/wire/ is a leaf: it may include base/ only, not {target}",
                     "move what needs it out of stack/wire/, or pass it in as a value")
    check_family(tree, name, where, target)


def check_family(tree, name, where, target):
    parts, target_parts = name.split("/"), target.split("/")
    if parts[0] != "compat" or target_parts[0] != "compat" or len(target_parts) < 3:
        return
    if target_parts[1] in OPTIONAL_FAMILIES and target_parts[1] != parts[1]:
        tree.problem(where, f"compat/{parts[1]}/ must not need compat/{target_parts[1]}/, an archive that a host may leave out",
                     "let the family register itself with compat/syscalls/")


if __name__ == "__main__":
    common.main(check)
