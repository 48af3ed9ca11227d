;; verdict: refused at structure ELEMENT_SEGMENTS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: element segments are bounded: each instance runs all of them, and no fuel covers that.
(module
  (memory (export "memory") 1)
  (table 1024 funcref)
  ;; repeat 20000
  (elem (i32.const {n%1024}) func)
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
