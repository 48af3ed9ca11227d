;; verdict: contained FUEL
;; time: 0.7 s
;; memory: 8 MiB
;; proves: growing memory for ever ends like any other loop, and stops growing at the limit before.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (drop (memory.grow (i32.const 1)))
      br $again)
    unreachable))
