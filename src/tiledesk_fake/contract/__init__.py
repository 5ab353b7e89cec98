"""The contract: the OpenAPI file, a choice for each assumption, and the file under those choices."""

from .contract import Contract, load
from .file import FILE, twin
from .operation import Operation, Parameter, Response
from .signin import AUTH_FILE
from .specialising import merge_patch

__all__ = ["AUTH_FILE", "FILE", "Contract", "Operation", "Parameter", "Response", "load", "merge_patch", "twin"]
