;; verdict: refused at structure FUNCTION_TOO_LARGE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a function's code is bounded.
(module
  (memory (export "memory") 1)
  (func
    ;; repeat 65536
    nop
    ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
