;; verdict: refused at structure TABLE_TOO_LARGE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a module cannot ask for a larger table than the limit to begin with.
(module
  (memory (export "memory") 1)
  (table 1025 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
