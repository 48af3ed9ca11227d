;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: filling a table is checked as a whole.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.fill $table (i32.const 0) (ref.null func) (i32.const 0x7fffffff))
    i32.const 1))
