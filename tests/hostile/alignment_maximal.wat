;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the largest alignment that an access may claim is admitted and means nothing.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (drop (v128.load align=16 (i32.const 3)))
    i32.const 1))
