;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a trap while an instance is prepared is a fault of that household and nothing worse.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "_initialize")
    unreachable)
  (func (export "evaluate") (result i32)
    i32.const 0))
