"""A fake that is served elsewhere, with the interface that it has here.

connecting  ->  fake  ->  journal, controls, scenarios, state  ->  values, calls

It speaks the control API and knows nothing of how the fake is made; what it hands out are this package's own values.
"""
