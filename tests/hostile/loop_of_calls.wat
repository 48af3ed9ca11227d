;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: calling for ever is fuelled by each call.
(module
  (memory (export "memory") 1)
  (func $nothing)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      call $nothing
      br $again)
    unreachable))
