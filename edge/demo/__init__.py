"""The whole system in one process, over its real sockets, files and sandbox: what `edge demo` plays."""
