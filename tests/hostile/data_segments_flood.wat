;; verdict: refused at structure DATA_SEGMENTS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: data segments are bounded: with pages of a byte, 99,000 of them cost each household 4 ms that no fuel covers.
(module
  (memory (export "memory") 65536 (pagesize 1))
  ;; repeat 20000
  (data (i32.const {n}) "a")
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
