;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a trap in `edge_inputs` is a fault like one in `evaluate`.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    unreachable)
  (func (export "evaluate") (result i32)
    i32.const 0))
