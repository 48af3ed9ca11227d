;; verdict: contained NONE
;; outcome: 1
;; time: 2.9 s
;; memory: 120 MiB
;; proves: thousands of nested conditions do not reach the end of anybody's stack.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 7000
    (i32.load8_u (i32.const 999)) if
    ;; end
    ;; repeat 7000
    end
    ;; end
    i32.const 1))
