;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: gc_support wasm_exceptions
;; proves: an exception is refused.
(module
  (memory (export "memory") 1)
  (tag $oops)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (throw $oops)))
