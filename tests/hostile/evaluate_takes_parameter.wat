;; verdict: refused at structure EXPORT_TYPE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: inputs come through the memory and no other way.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (param i32) (result i32)
    local.get 0))
