;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the dearest instructions cost fuel like any other: division and square roots end too.
(module
  (memory (export "memory") 1)
  (global $x (mut f64) (f64.const 2))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (global.set $x (f64.sqrt (f64.div (global.get $x) (f64.const 0.7))))
      br $again)
    unreachable))
