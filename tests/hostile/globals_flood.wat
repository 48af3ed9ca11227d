;; verdict: refused at structure GLOBALS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: globals are bounded: each would be restored for every household.
(module
  (memory (export "memory") 1)
  ;; repeat 1000
  (global (mut v128) (v128.const i64x2 {n} {n}))
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
