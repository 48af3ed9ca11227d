;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a global is not taken for a function.
(module
  (memory (export "memory") 1)
  (global (export "evaluate") i32 (i32.const 1))
  (func (export "edge_inputs") (result i32)
    i32.const 0))
