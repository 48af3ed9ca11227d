;; verdict: refused at structure EXPORT_TYPE
;; proves: an outcome is an integer.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result f64)
    f64.const 0.5))
