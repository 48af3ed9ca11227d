;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a global of 16 bytes starts anew in all its lanes.
(module
  (memory (export "memory") 1)
  (global $count (mut v128) (v128.const i64x2 0 0))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (global.set $count (i64x2.add (global.get $count) (v128.const i64x2 1 1)))
    (i32.wrap_i64 (i64x2.extract_lane 1 (global.get $count)))))
