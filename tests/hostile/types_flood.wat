;; verdict: refused at structure TYPES_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: types are bounded.
(module
  (memory (export "memory") 1)
  ;; repeat 1001
  (type (func))
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
