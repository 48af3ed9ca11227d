;; verdict: refused at structure TABLE_UNSUPPORTED
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a table with 64-bit indices is refused.
(module
  (memory (export "memory") 1)
  (table i64 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
