;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a guest cannot write beyond its memory.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (f64.store (i32.const 0x7ffffff8) (f64.const 1))
    i32.const 1))
