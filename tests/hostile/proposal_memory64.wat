;; verdict: refused at structure MEMORY_64_BIT
;; time: 0.2 s
;; memory: 8 MiB
;; needs: wasm_memory64
;; proves: a memory with 64-bit addresses is refused.
(module
  (memory (export "memory") i64 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
