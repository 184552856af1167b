"""OAuth 2.0 and OpenID Connect for registered applications: requests translated to the service, sessions to tokens."""
