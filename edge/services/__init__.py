"""The use cases, one file per verb. They know no gRPC, no SQL and no wasmtime."""
