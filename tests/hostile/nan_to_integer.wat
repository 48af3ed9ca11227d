;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: converting NaN to an integer is a fault, not a made-up number.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.trunc_f64_s (f64.const nan))))
