;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: endless recursion ends at the stack limit and does not take the process with it.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func $down (param i64) (result i64)
    (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
  (func (export "evaluate") (result i32)
    (i32.wrap_i64 (call $down (i64.const 0)))))
