"""Shell scripts pass shellcheck."""

import re
import subprocess

import common


def check(tree):
    names = [name for name in tree.files() if re.match(r"#!.*\b(ba)?sh\b", tree.text(name)[:40]) or name.endswith(".sh")]
    for name in names:
        result = subprocess.run(["shellcheck", "-x", "-s", "bash", "-f", "gcc", name], cwd=tree.root, capture_output=True, text=True)
        for line in result.stdout.splitlines():
            where, _, what = line.partition(": ")
            tree.problem(where, what, "the code in brackets explains itself at https://www.shellcheck.net/wiki/")


if __name__ == "__main__":
    common.main(check)
