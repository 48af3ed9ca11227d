;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a global of i64 starts anew for every household.
(module
  (memory (export "memory") 1)
  (global $count (mut i64) (i64.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (i32.wrap_i64 (global.get $count))))
