;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an element segment that does not fit the table faults at every evaluation.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem (i32.const 1) $some)
  (func $some)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
