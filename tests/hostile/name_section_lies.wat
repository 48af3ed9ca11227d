;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a name section that calls a function by another's name changes nothing.
(module
  (memory (export "memory") 1)
  (func $evaluate)
  (@custom "name" "\01\0b\01\01\08evaluate")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))
