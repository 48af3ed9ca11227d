;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 16 MiB
;; proves: bulk operations are paid for by the byte, not by the instruction.
(module
  (memory (export "memory") 64)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304))
      br $again)
    unreachable))
