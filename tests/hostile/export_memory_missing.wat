;; verdict: refused at structure EXPORT_MISSING
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a memory that is not exported cannot be given inputs.
(module
  (memory 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
