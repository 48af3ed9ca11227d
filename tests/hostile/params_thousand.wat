;; verdict: refused at structure PARAMS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a type takes a bounded number of values: a block can have it, and every branch would carry them.
(module
  (memory (export "memory") 1)
  (type (func (param
    ;; repeat 1000
    i32
    ;; end
  )))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
