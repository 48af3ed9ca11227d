;; verdict: refused at structure EXPORT_MISSING
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a module without `evaluate` is refused.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0))
