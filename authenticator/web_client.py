"""The one HTTP client for calls to other services: short patience, small answers, no redirects."""
