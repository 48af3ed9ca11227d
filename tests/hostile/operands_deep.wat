;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 24 MiB
;; proves: a stack of 15,000 operands is the compiler's, not the guest's.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 9000
    (i32.load8_u (i32.const 1000))
    ;; end
    ;; repeat 8999
    i32.add
    ;; end
    i32.eqz))
