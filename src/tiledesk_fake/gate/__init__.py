"""Who calls, by the credentials of a request."""
