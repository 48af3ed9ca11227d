;; verdict: refused at structure MEMORY_COUNT
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a module without memory has nowhere for inputs.
(module
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
