;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an outcome cannot carry a reading out: a value that is no declared action is a fault.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.or (i32.const 0x40000000) (i32.wrap_i64 (i64.load (i32.const 0))))))
