"""The pages, the JSON API and what both need of HTTP."""
