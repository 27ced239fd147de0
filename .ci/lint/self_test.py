"""Runs each lint on its fixtures: a lint that accepts what it exists to refuse is worse than none.

fixtures/LINT/CASE/ is a small tree. Its file `expect` holds a piece of the message that the lint must print; without that
file the lint must accept the tree. Every lint must have a fixture of each kind.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NOT_LINTS = {"common", "self_test"}


def run_case(lint, case):
    result = subprocess.run([sys.executable, str(HERE / f"{lint}.py"), "--root", str(case)], capture_output=True, text=True)
    output = result.stdout + result.stderr
    expect = case / "expect"
    if not expect.exists():
        return "" if result.returncode == 0 else f"refused a good tree:\n{output}"
    wanted = expect.read_text().strip()
    if result.returncode != 1:
        return f"ended with {result.returncode} instead of refusing a bad tree:\n{output}"
    return "" if wanted in output else f"printed\n{output}\nwithout: {wanted}"


def main():
    failures = 0
    cases = 0
    for lint in sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_LINTS):
        fixtures = sorted(path for path in (HERE / "fixtures" / lint).glob("*") if path.is_dir())
        kinds = {(case / "expect").exists() for case in fixtures}
        if kinds != {True, False}:
            print(f"{lint}: needs at least one fixture it refuses and one it accepts")
            failures += 1
        for case in fixtures:
            cases += 1
            error = run_case(lint, case)
            if error:
                failures += 1
                print(f"{lint}/{case.name}: {error}")
    print(f"{cases} fixtures, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
