"""How fast the service is, in units of one bare Flask answer."""
