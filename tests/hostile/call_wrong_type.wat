;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a function is not called as if it had another type.
(module
  (memory (export "memory") 1)
  (type $pair (func (param i32 i32) (result i32)))
  (table 1 funcref)
  (elem (i32.const 0) $one)
  (func $one (result i64)
    i64.const 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (call_indirect (type $pair) (i32.const 1) (i32.const 2) (i32.const 0))))
