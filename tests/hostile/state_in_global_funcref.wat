;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a global that refers to a function starts anew: null is null again.
(module
  (memory (export "memory") 1)
  (global $kept (mut funcref) (ref.null func))
  (func $one)
  (elem declare func $one)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (if (result i32) (ref.is_null (global.get $kept))
      (then (i32.const 1))
      (else (i32.const 2)))
    (global.set $kept (ref.func $one))))
