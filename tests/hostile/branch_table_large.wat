;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a jump to one of 60,000 targets costs little.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (block $out
      i32.const 5
      br_table
      ;; repeat 60000
        $out
      ;; end
    )
    i32.const 1))
