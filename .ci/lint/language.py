"""The core uses no floating point, exceptions, RTTI, thread_local or std:: beyond the allowed headers; no unfinished marks."""

import re

import common

FORBIDDEN = {
    r"\b(float|double)\b": ("floating point", "use integers with the unit in the name; a kernel does not save float registers"),
    r"\bthread_local\b": ("thread_local", "keep the state in the Stack, or per processor with Hal::processor()"),
    r"\b(throw|try|catch)\b": ("an exception", "return Result<T> and use TRY"),
    r"\b(dynamic_cast|typeid)\b": ("RTTI", "give the type a kind field or a virtual function"),
    r"\bstd::(string|vector|map|unordered_map|set|list|deque|function|unique_ptr|shared_ptr|string_view|mutex|thread)\b":
        ("a part of std that needs a heap or a system", "use base/: Ref, List, HeapArray, spans"),
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
SELF = ".ci/lint/"


def check(tree):
    for name in tree.files():
        if name.endswith(common.CXX) and common.is_core(name) and not tree.allows(name, "language"):
            check_language(tree, name)
        if name.endswith((*common.CXX, ".py", ".sh", ".md", ".cmake", ".txt")) and not name.startswith(SELF):
            check_unfinished(tree, name)


def check_language(tree, name):
    code = common.without_comments_and_strings(tree.text(name))
    for number, line in enumerate(code.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for pattern, (what, remedy) in FORBIDDEN.items():
            if re.search(pattern, line):
                tree.problem(f"{name}:{number}", f"the core may not use {what}", remedy)


def check_unfinished(tree, name):
    for number, line in enumerate(tree.text(name).splitlines(), 1):
        match = UNFINISHED.search(line)
        if match:
            tree.problem(f"{name}:{number}", f"{match.group()} is left in the code",
                         "do it, or say in the file's header or the table's row that it is not implemented")


if __name__ == "__main__":
    common.main(check)
