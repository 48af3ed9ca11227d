;; verdict: contained BAD_OUTCOME
;; time: 0.5 s
;; memory: 8 MiB
;; proves: what was written before a bad outcome is gone: the second evaluation would return 1.
(module
  (memory (export "memory") 1)
  (global $asked (mut i32) (i32.const 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (if (global.get $asked)
      (then (return (i32.const 1))))
    (global.set $asked (i32.const 1))
    i32.const 99))
