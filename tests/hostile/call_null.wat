;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: calling an empty element of the table is a fault.
(module
  (memory (export "memory") 1)
  (type $any (func (result i32)))
  (table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (call_indirect (type $any) (i32.const 0))))
