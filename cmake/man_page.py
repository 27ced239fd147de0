#!/usr/bin/env python3
"""Turns docs/*.1.md into a page for man(1): headings, paragraphs, definition lists (": "), indented examples, `code`."""

import re
import sys


def escape(text):
    text = text.replace("\\", "\\\\").replace("-", "\\-")
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    return re.sub(r"^(['.])", r"\\&\1", text)


def convert(lines, name):
    out = [f".TH {name.upper()} 1 \"\" lxnet \"User Commands\""]
    in_example = False
    for i, line in enumerate(lines):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        if in_example and not line.startswith("    "):
            out.append(".fi\n.RE")
            in_example = False
        if line.startswith("# "):
            continue
        if line.startswith("## "):
            out.append(f".SH \"{line[3:].strip()}\"")
        elif line.startswith("    "):
            if not in_example:
                out.append(".PP\n.RS 4\n.nf")
                in_example = True
            out.append(escape(line[4:]))
        elif following.startswith(": "):
            out.append(".TP\n" + escape(line))
        elif line.startswith(": "):
            out.append(escape(line[2:]))
        elif not line.strip():
            out.append(".PP" if not out[-1].startswith((".SH", ".PP")) else ".\\\"")
        else:
            out.append(escape(line))
    if in_example:
        out.append(".fi\n.RE")
    return "\n".join(out) + "\n"


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as page:
        lines = page.read().splitlines()
    name = re.match(r"# (\S+)\(1\)", lines[0]).group(1)
    with open(target, "w", encoding="utf-8") as out:
        out.write(convert(lines, name))


if __name__ == "__main__":
    main()
