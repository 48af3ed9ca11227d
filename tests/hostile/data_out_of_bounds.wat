;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a data segment that does not fit the memory faults at every evaluation, and does nothing else.
(module
  (memory (export "memory") 1)
  (data (i32.const 65535) "two")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
