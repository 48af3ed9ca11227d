;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an outcome is checked before it is narrowed to 16 bits: 65537 is not 1.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 65537))
