"""The contract: the OpenAPI file, a choice for each assumption, and the file under those choices."""

from .contract import Contract, Operation, Parameter, Response, load
from .file import FILE, twin
from .specialising import merge_patch

__all__ = ["FILE", "Contract", "Operation", "Parameter", "Response", "load", "merge_patch", "twin"]
