;; verdict: refused at structure RESULTS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a function gives a bounded number of values: calls of two bytes were worth a thousand to the compiler.
(module
  (memory (export "memory") 1)
  (func $many (result
    ;; repeat 1000
    i32
    ;; end
  )
    ;; repeat 1000
    i32.const 0
    ;; end
  )
  (func
    ;; repeat 30000
    call $many
    ;; end
    unreachable)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
