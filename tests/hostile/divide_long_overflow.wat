;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the one 64-bit division that overflows ends this evaluation.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.wrap_i64 (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))))
