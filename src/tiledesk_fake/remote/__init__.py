"""A fake that is served elsewhere, with the interface that it has here.

    connect  <-  fake  <-  journal, controls, state  <-  values  <-  calls

It speaks the control API and knows nothing of how the fake is made; what it hands out are this package's own values.
"""

from .connecting import connect as connect
from .fake import RemoteFake as RemoteFake

__all__ = ["RemoteFake", "connect"]
