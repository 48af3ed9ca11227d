;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a constant cannot be read from a global of the module itself: nothing is computed at the start.
(module
  (memory (export "memory") 1)
  (global $a i32 (i32.const 1))
  (global $b i32 (global.get $a))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
