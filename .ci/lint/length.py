"""No source file is longer than 600 lines and no folder's README than 40."""

import common

SOURCE_LIMIT = 600
README_LIMIT = 40


def check(tree):
    for name in tree.files(*common.CXX, ".py", ".sh", ".cmake"):
        lines = tree.text(name).count("\n")
        if lines > SOURCE_LIMIT and not tree.allows(name, "length"):
            tree.problem(name, f"has {lines} lines, more than {SOURCE_LIMIT}",
                         "split it by concept; a table may say in a comment: lint-allow length: REASON")
    for name in tree.files("/README.md"):
        lines = tree.text(name).count("\n")
        if lines > README_LIMIT:
            tree.problem(name, f"has {lines} lines, more than {README_LIMIT}",
                         "keep purpose, reading order and invariants; move the rest to docs/")


if __name__ == "__main__":
    common.main(check)
