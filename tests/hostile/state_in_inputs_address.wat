;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: what `edge_inputs` leaves behind is gone before the next household.
(module
  (memory (export "memory") 1)
  (global $asked (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    i32.const 0)
  (func (export "evaluate") (result i32)
    global.get $asked))
