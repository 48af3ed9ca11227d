;; verdict: refused at structure TABLE_COUNT
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a second table, in which state would not be looked for, is refused.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
