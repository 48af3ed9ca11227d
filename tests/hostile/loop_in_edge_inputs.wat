;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: asking for the address of the inputs is fuelled too.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    (loop $again
      br $again)
    unreachable)
  (func (export "evaluate") (result i32)
    i32.const 0))
