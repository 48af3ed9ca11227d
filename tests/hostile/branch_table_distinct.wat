;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 24 MiB
;; proves: a jump out of one of 10,000 nested blocks costs little.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 10000
    block
    ;; end
    i32.const 77 br_table
    ;; repeat 9999
    {n}
    ;; end
    ;; repeat 10000
    end
    ;; end
    i32.const 1))
