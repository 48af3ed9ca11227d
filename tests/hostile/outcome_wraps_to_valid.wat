;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an outcome is compared as it was returned: 65537 does not become 1 by being stored in 16 bits.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 65537))
