;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a segment of another type than its table is invalid.
(module
  (memory (export "memory") 1)
  (table 1 externref)
  (func $f)
  (elem (i32.const 0) func $f)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
