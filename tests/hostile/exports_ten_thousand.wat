;; verdict: refused at structure EXPORTS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: exports are bounded: every instance would look up each.
(module
  (memory (export "memory") 1)
  (func $f)
  ;; repeat 10000
  (export "e{n}" (func $f))
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
