"""All that knows HTTP: from a request to an answer, and the Flask app around that."""
