"""Every C and C++ file is as clang-format 14 leaves it."""

import re
import shutil
import subprocess

import common


def find_clang_format():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
            if re.search(r"version 14\.", version):
                return name
    return None


def check(tree):
    tool = find_clang_format()
    if tool is None:
        tree.problem("clang-format", "version 14 is not installed, and others format differently",
                     "install clang-format-14 (Debian 12: apt-get install clang-format)")
        return
    style = f"--style=file:{common.REPOSITORY / '.clang-format'}"
    names = list(tree.files(*common.CXX))
    for start in range(0, len(names), 50):
        batch = names[start:start + 50]
        result = subprocess.run([tool, style, "--dry-run", *batch], cwd=tree.root, capture_output=True, text=True)
        for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning: code should be clang-formatted", result.stderr, re.M))):
            tree.problem(name, "is not formatted", f"run: clang-format -i {name}")


if __name__ == "__main__":
    common.main(check)
