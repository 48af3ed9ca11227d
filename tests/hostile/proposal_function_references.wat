;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: wasm_function_references
;; proves: a typed reference to a function is refused.
(module
  (memory (export "memory") 1)
  (type $number (func (result i32)))
  (elem declare func $one)
  (func $one (type $number)
    i32.const 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (call_ref $number (ref.func $one))))
