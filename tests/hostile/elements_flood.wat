;; verdict: refused at structure ELEMENTS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: elements of all segments together are bounded: 330 segments of 1,000 cost each household 23 ms that no fuel covers.
(module
  (memory (export "memory") 1)
  (table 1024 funcref)
  (func $f)
  ;; repeat 50
  (elem (i32.const 0) funcref
    ;; repeat 1000
    (ref.func $f)
    ;; end
  )
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
