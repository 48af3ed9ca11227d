;; verdict: refused at structure EXPORT_MISSING
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a module without `edge_inputs` is refused.
(module
  (memory (export "memory") 1)
  (func (export "evaluate") (result i32)
    i32.const 0))
