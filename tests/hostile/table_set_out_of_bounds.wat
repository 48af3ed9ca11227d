;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a guest cannot write beyond its table.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.set $table (i32.const -1) (ref.null func))
    i32.const 1))
