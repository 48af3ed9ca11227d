;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: hundreds of sections that nobody asked for are passed over.
(module
  (memory (export "memory") 1)
  ;; repeat 900
  (@custom "noise{n}" "\ff\ff\ff")
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))
