;; verdict: refused at structure MEMORY_SHARED
;; time: 0.2 s
;; memory: 8 MiB
;; needs: wasm_threads shared_memory
;; proves: memory that another thread could change is refused.
(module
  (memory (export "memory") 1 1 shared)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
