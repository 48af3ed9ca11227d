;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an address below zero is one far above the end.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i64.load (i32.const -8))
    i32.wrap_i64))
