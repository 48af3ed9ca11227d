;; verdict: refused at structure MEMORY_TOO_LARGE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: four gibibytes of memory are refused by number, without being made.
(module
  (memory (export "memory") 65536)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
