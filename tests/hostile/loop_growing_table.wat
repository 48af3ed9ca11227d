;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: growing a table for ever ends like any other loop, at its limit before.
(module
  (memory (export "memory") 1)
  (table $table 0 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 1)))
      br $again)
    unreachable))
