;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: what was written before the fuel ran out is gone: the second evaluation would return at once.
(module
  (memory (export "memory") 1)
  (global $spun (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (if (i32.or (global.get $spun) (i32.load8_u (i32.const 2048)))
      (then (return (i32.const 1))))
    (global.set $spun (i32.const 1))
    (i32.store8 (i32.const 2048) (i32.const 1))
    (loop $again
      br $again)
    unreachable))
