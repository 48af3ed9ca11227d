;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: an outcome of 64 bits is no outcome.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i64)
    i64.const 0))
