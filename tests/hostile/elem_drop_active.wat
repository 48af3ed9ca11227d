;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: dropping a segment that was used already changes nothing.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (func $one)
  (elem $segment (i32.const 0) $one)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (elem.drop $segment)
    i32.const 1))
