;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a store of one lane is checked like any other.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (v128.store64_lane 1 (i32.const 65529) (v128.const i64x2 1 2))
    i32.const 1))
