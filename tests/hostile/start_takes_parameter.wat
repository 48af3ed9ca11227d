;; verdict: refused at structure START_FUNCTION
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a start section is refused before anybody asks what it takes.
(module
  (memory (export "memory") 1)
  (func $f (param i32))
  (start $f)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
