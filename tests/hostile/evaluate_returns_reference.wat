;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a reference is no outcome.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result funcref)
    ref.null func))
