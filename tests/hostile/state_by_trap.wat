;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: what was written before a trap is gone: the second evaluation would return instead of trapping.
(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (if (i32.and (i32.eq (i32.load (i32.const 1024)) (i32.const 1)) (i32.eq (global.get $count) (i32.const 1)))
      (then unreachable))
    i32.const 1))
