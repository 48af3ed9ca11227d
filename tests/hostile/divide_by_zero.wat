;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an integer division by zero is a fault of the evaluation only.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.div_s (i32.const 1) (i32.load (i32.const 1024)))))
