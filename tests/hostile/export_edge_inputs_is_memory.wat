;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: the export `edge_inputs` is a function.
(module
  (memory (export "memory") 1)
  (export "edge_inputs" (memory 0))
  (func (export "evaluate") (result i32)
    i32.const 0))
