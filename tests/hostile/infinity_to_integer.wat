;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: infinity, which inputs may hold, is no integer.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.wrap_i64 (i64.trunc_f64_s (f64.const inf)))))
