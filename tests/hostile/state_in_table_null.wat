;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an element that is set to null is what it was for the next household.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func $one)
  (elem (i32.const 0) $one)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (if (result i32) (ref.is_null (table.get $table (i32.const 0)))
      (then (i32.const 2))
      (else (i32.const 1)))
    (table.set $table (i32.const 0) (ref.null func))))
