;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a float where an integer belongs is invalid.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.add (i32.const 1) (f64.const 1))))
