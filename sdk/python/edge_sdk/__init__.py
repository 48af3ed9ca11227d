"""The contract in Python: protocol, manifest, catalogue and ABI, and clients for every role.

It needs neither wasmtime nor DuckDB: an organization, a gateway or a household installs this alone.
"""
