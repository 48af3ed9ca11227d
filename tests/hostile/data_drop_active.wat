;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: dropping data that were used already changes nothing.
(module
  (memory (export "memory") 1)
  (data $segment (i32.const 0) "a")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (data.drop $segment)
    i32.const 1))
