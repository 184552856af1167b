"""How reverse proxies ask who a request comes from."""
