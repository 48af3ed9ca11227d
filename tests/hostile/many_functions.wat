;; verdict: contained NONE
;; outcome: 1
;; time: 0.9 s
;; memory: 32 MiB
;; proves: nearly as many functions as are allowed, calling each other, compile in little time.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func $f0 (result i32) i32.const 1)
  ;; repeat 1900
  (func (result i32) (call {n}))
  ;; end
  (func (export "evaluate") (result i32)
    call $f0))
