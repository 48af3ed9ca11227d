;; verdict: contained NONE
;; outcome: 1
;; time: 1.4 s
;; memory: 184 MiB
;; proves: thousands of nested loops are compiled while they hold no values.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 4000
    loop
    ;; end
    ;; repeat 4000
    end
    ;; end
    i32.const 1))
