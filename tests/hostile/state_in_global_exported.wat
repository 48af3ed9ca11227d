;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a mutable global that is exported starts anew like a hidden one.
(module
  (memory (export "memory") 1)
  (global $count (export "count") (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    global.get $count))
