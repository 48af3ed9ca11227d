;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an active data segment is dropped once it has been used: copying from it again traps.
(module
  (memory (export "memory") 1)
  (data $segment (i32.const 0) "a")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (memory.init $segment (i32.const 0) (i32.const 0) (i32.const 1))
    i32.const 1))
