;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a section before all others, with bytes of a header, is passed over.
(module
  (memory (export "memory") 1)
  (@custom "\00asm" (before first) "\00asm\01\00\00\00")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))
