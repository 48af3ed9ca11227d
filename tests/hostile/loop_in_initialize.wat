;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: preparing an instance is fuelled too.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "_initialize")
    (loop $again
      br $again))
  (func (export "evaluate") (result i32)
    i32.const 0))
