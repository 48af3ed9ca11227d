;; verdict: refused at structure START_FUNCTION
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a start section is refused, whatever its function does.
(module
  (memory (export "memory") 1)
  (start $f)
  (func $f
    unreachable)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
