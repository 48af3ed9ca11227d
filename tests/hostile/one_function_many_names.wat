;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a function may be exported under many names: calling it costs the same.
(module
  (memory (export "memory") 1)
  (func $one)
  ;; repeat 50
  (export "name{n}" (func $one))
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))
