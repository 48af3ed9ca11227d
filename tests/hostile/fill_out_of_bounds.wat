;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a bulk write that would leave the memory is a fault.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 65537))
    i32.const 1))
