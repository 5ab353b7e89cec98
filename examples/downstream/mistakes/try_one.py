"""Make one mistake in a copy of the library and run the tests on it: `python mistakes/try_one.py bearer`."""

import subprocess
import sys
import tempfile
from pathlib import Path

from catalogue import MISTAKES, copy_with


def main(name: str) -> int:
    """Run the tests on a copy with the mistake of this name; 0 if they notice it."""
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    if name not in by_name:
        print(f"there is no mistake {name!r}; there are: {', '.join(by_name)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copy_with(by_name[name], Path(folder))
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=folder, check=False)
    return 0 if done.returncode == 1 else 1


if __name__ == "__main__":
    raise SystemExit(main(" ".join(sys.argv[1:])))
