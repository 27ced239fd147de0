"""Links between the documents lead to files that exist."""

import re

import common

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def check(tree):
    for name in tree.files(".md"):
        folder = (tree.root / name).parent
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            for target in LINK.findall(line):
                if not target.startswith(("http://", "https://", "mailto:")) and not (folder / target).exists():
                    tree.problem(f"{name}:{number}", f"links to {target}, which does not exist", "correct the link or write the file")


if __name__ == "__main__":
    common.main(check)
