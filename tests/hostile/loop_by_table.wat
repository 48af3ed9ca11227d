;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: looping through `br_table` is fuelled.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (br_table $again $again (i32.const 7)))
    unreachable))
