"""What the lints share: the list of files, the layers, and how a problem is reported.

A lint is NAME.py with a function check(tree). Its docstring's first line is its summary. It calls tree.problem() for each
thing that is wrong, with what to do about it. A file that must break a rule says so, with the reason, in a comment:

    // lint-allow length: one row per system call
"""

import argparse
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ".ci/lint/fixtures"

# Lowest first. A layer includes itself and what stands before it.
LAYERS = ["base", "hal", "netdev", "stack", "listen_table", "compat", "hosts"]
CORE = LAYERS[:-1]
# Device backends that are host programs' business although they stand in a core folder.
HOSTED_DEVICES = ("netdev/tap/", "netdev/xdp/", "netdev/slirp/")
CXX = (".cc", ".hh", ".h", ".c")


class Tree:
    """The files under one root: the repository, or one fixture of the self-test."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.is_repository = self.root == REPOSITORY
        self.problems = 0

    def files(self, *suffixes):
        for name in sorted(self._names()):
            path = self.root / name
            if (not suffixes or name.endswith(suffixes)) and path.is_file() and not path.is_symlink():
                yield name

    def _names(self):
        if not self.is_repository:
            return [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.name != "expect"]
        # CI may run as another user than the owner of the files.
        listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                cwd=self.root, check=True, capture_output=True, text=True).stdout
        return {name for name in listed.split("\0") if name and not name.startswith(FIXTURES)}

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def allows(self, name, rule):
        return re.search(rf"lint-allow {rule}: \S", self.text(name)) is not None

    def problem(self, where, what, remedy):
        self.problems += 1
        print(f"{where}: {what}\n    {remedy}")


def is_core(name):
    return name.split("/")[0] in CORE and not name.startswith(HOSTED_DEVICES)


def without_comments_and_strings(text):
    """The text with comments and literals blanked, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def main(check):
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=REPOSITORY)
    tree = Tree(parser.parse_args().root)
    check(tree)
    sys.exit(1 if tree.problems else 0)
