;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: an outcome is an integer.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result f64)
    f64.const 0.5))
