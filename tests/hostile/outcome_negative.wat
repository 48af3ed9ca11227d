;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an outcome below 0 is a fault.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const -1))
