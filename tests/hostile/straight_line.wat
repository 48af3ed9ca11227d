;; verdict: contained NONE
;; outcome: 1
;; time: 0.9 s
;; memory: 40 MiB
;; proves: 64 KiB of code without a branch compile and run within limits.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0
    ;; repeat 21800
    i32.const 1 i32.add
    ;; end
    i32.const 21800
    i32.eq))
