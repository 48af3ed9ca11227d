;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the size of the table starts anew for every household.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.size $table)
    (drop (table.grow $table (ref.null func) (i32.const 1)))))
