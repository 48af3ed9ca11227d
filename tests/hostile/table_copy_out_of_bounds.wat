;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a copy inside the table is checked as a whole.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.copy $table $table (i32.const 0) (i32.const 1) (i32.const 1))
    i32.const 1))
