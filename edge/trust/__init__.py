"""Certificates, signed documents and the Merkle log. The only room that knows `cryptography`."""
