;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a household's inputs are gone before the next: this looks for the last row beside its own.
(module
  (memory (export "memory") 1)
  (global $at (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    (if (i64.ne (i64.load (i32.const 0)) (i64.const 0))
      (then (global.set $at (i32.const 64))))
    global.get $at)
  (func (export "evaluate") (result i32)
    (i32.add (i32.const 1) (i32.ne (global.get $at) (i32.const 0)))))
