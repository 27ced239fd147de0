"""Every header compiles alone: C++ headers freestanding in the core, C headers as C11 and as C++20."""

import concurrent.futures
import os
import subprocess

import common

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
FREESTANDING = ["-ffreestanding", "-fno-exceptions"]


def check(tree):
    jobs = []
    for name in tree.files(".hh", ".h"):
        if name.endswith(".h"):
            jobs.append((name, "C11", ["gcc", "-x", "c", "-std=c11", "-Wpedantic", *FREESTANDING]))
        flags = [*FREESTANDING, "-fno-rtti"] if common.is_core(name) else []
        jobs.append((name, "C++20", ["g++", "-x", "c++", "-std=c++20", *flags]))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, language, _), error in zip(jobs, pool.map(lambda job: compile_alone(tree, job), jobs)):
            if error:
                first = next((line for line in error.splitlines() if "error" in line), error.splitlines()[0])
                tree.problem(name, f"does not compile alone as {language}: {first.strip()}",
                             "include what it uses, at its top")


def compile_alone(tree, job):
    name, _, command = job
    # A file that includes it, because "#pragma once in main file" is a warning.
    source = f'#include "{name}"\n'
    result = subprocess.run([*command, *WARNINGS, f"-I{tree.root}", "-fsyntax-only", "-"], input=source, text=True,
                            capture_output=True, cwd=tree.root)
    return result.stderr if result.returncode else ""


if __name__ == "__main__":
    common.main(check)
