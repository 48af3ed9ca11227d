;; verdict: contained NONE
;; outcome: 1
;; time: 0.8 s
;; memory: 48 MiB
;; proves: a constant of 20,000 additions costs the compiler little and a household nothing.
(module
  (memory (export "memory") 1)
  (global $sum i32
    i32.const 0
    ;; repeat 20000
    i32.const 1 i32.add
    ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.eq (global.get $sum) (i32.const 20000))))
