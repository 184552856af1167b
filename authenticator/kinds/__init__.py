"""The kinds of plug-in: what a provider, a factor and a sender are, and how each talks to the core."""
