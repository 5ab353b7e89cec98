"""`python -m bench`: prepares `.bench`, measures, prints the table."""

import os
import sys
from pathlib import Path

from . import environment

if Path(sys.executable) != environment.PYTHON:
    environment.prepare()
    os.execv(environment.PYTHON, [str(environment.PYTHON), "-m", "bench", *sys.argv[1:]])

from .main import main

main()
