"""Make one mistake in a copy of the library and run the tests on it: `python mistakes/try_one.py bearer`.

A dependency is planted likewise, and the tests are run under the other choices too.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from catalogue import MISTAKES, copy_with
from dependencies import DEPENDENCIES


def main(name: str) -> int:
    """Run the tests on a copy with the mistake or dependency of this name; 0 if they notice it."""
    by_name = {each.name: each for each in [*MISTAKES, *DEPENDENCIES]}
    if name not in by_name:
        print(
            f"there is no mistake or dependency {name!r}; the mistakes are: "
            f"{', '.join(each.name for each in MISTAKES)}; "
            f"the dependencies are: {', '.join(each.name for each in DEPENDENCIES)}",
            file=sys.stderr,
        )
        return 2
    options = ["--tiledesk-assume-each"] if by_name[name] in DEPENDENCIES else []
    with tempfile.TemporaryDirectory() as folder:
        copy_with(by_name[name], Path(folder))
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=folder, check=False)
    return 0 if done.returncode == 1 else 1


if __name__ == "__main__":
    raise SystemExit(main(" ".join(sys.argv[1:])))
