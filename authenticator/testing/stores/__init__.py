"""The promises of the storage port, a file for each noun; `store_contract` puts them together."""
