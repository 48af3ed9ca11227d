;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a guest cannot read beyond its table.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (drop (table.get $table (i32.const 1)))
    i32.const 1))
