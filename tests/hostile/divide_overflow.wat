;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the one integer division whose result does not fit is a fault.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.div_s (i32.const 0x80000000) (i32.const -1))))
