;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a household's NaN has one spelling: its bits say nothing about where it came from.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.add (i32.const 1) (i32.and
      (f64.ne (f64.load (i32.const 0)) (f64.load (i32.const 0)))
      (i64.ne (i64.load (i32.const 0)) (i64.const 0x7ff8000000000000))))))
