"""What every transport over HTTP shares: who asks, the cookies, tokens and headers, and what no request may be."""
