;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a large alignment is a hint and no promise: the address is checked all the same.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i64.load align=8 (i32.const 65535))
    i32.wrap_i64))
