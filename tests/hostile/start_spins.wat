;; verdict: refused at structure START_FUNCTION
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a start function, which would run before anybody set a limit, is refused.
(module
  (memory (export "memory") 1)
  (start $spin)
  (func $spin
    (loop $again
      br $again))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
