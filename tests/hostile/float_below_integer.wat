;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a float that is no unsigned integer traps and is not cut.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.trunc_f32_u (f32.const -1))))
