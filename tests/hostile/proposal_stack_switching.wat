;; verdict: refused at structure MODULE_MALFORMED
;; time: 0.2 s
;; memory: 8 MiB
;; needs: gc_support wasm_stack_switching
;; proves: a continuation, which is a stack of its own, is refused.
(module
  (memory (export "memory") 1)
  (type $step (func))
  (type $later (cont $step))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
