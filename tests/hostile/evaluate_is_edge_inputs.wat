;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: one function in both roles is judged by each: its address is no outcome.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (export "evaluate") (result i32)
    i32.const 4096))
