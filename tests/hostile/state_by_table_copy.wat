;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: elements that were copied inside the table are gone.
(module
  (memory (export "memory") 1)
  (table $table 2 funcref)
  (func $one)
  (elem (i32.const 0) $one)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (if (result i32) (ref.is_null (table.get $table (i32.const 1)))
      (then (i32.const 1))
      (else (i32.const 2)))
    (table.copy (i32.const 1) (i32.const 0) (i32.const 1))))
