;; verdict: refused at structure MEMORY_TOO_LARGE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: the limit is one of bytes, whatever the page size.
(module
  (memory (export "memory") 4194305 (pagesize 1))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
