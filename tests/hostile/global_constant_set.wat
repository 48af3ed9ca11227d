;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a constant global cannot be set.
(module
  (memory (export "memory") 1)
  (global $c i32 (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (global.set $c (i32.const 1))
    i32.const 1))
