;; verdict: contained FUEL
;; time: 0.5 s
;; memory: 8 MiB
;; proves: copying the memory again and again is charged by its bytes.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (memory.copy (i32.const 0) (i32.const 32768) (i32.const 32768))
      br $again)
    unreachable))
