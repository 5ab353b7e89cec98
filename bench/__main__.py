"""`python -m bench`: prepares `.bench`, measures, prints the table."""

import os
import sys
from pathlib import Path

from . import environment

if Path(sys.executable) != environment.PYTHON:
    # With it every process would compile our modules anew, and those of the others not, which pip has compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.prepare()
    os.execv(environment.PYTHON, [str(environment.PYTHON), "-m", "bench", *sys.argv[1:]])

from .main import main

main()
