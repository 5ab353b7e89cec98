"""The pytest plugin of tiledesk-fake."""
