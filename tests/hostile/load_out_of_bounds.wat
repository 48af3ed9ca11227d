;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a guest cannot read beyond its memory.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.load (i32.const 65533))))
