;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 48 MiB
;; proves: thousands of nested blocks do not reach the end of anybody's stack.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 21000
    block
    ;; end
    ;; repeat 21000
    end
    ;; end
    i32.const 1))
