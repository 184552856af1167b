"""The kit for those who write plug-ins and adapters: contracts, sample people and real servers."""
