;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: with pages of one byte the end is that byte, not the next multiple of anything.
(module
  (memory (export "memory") 100 (pagesize 1))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.load8_u (i32.const 100))))
