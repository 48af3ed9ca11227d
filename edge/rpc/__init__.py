"""gRPC: thin servicers, who may call what, and what errors look like on the wire."""
