;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a bulk copy that would leave the memory is a fault.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 65536))
    i32.const 1))
