"""A WSGI app behind a real socket: HTTP, no Flask and no Tiledesk."""
