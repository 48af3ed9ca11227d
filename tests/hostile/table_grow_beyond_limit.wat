;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a table cannot grow beyond the limit of 1024 elements.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.and
      (i32.eq (table.grow $table (ref.null func) (i32.const 1023)) (i32.const 1))
      (i32.eq (table.grow $table (ref.null func) (i32.const 1)) (i32.const -1)))))
