;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an endless loop ends when its fuel does.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      br $again)
    unreachable))
