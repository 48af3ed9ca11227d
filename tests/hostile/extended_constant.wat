;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a constant may be a sum; the compiler folds it.
(module
  (memory (export "memory") 1)
  (global $sum i32 (i32.add (i32.const 1) (i32.add (i32.const 2) (i32.const 3))))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.eq (global.get $sum) (i32.const 6))))
