;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: wasm_tail_call
;; proves: a tail call, with which a recursion would never meet the stack limit, is refused.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func $on (export "evaluate") (result i32)
    return_call $on))
