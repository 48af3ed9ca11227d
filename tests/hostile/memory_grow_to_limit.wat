;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: memory can grow to the limit of 64 pages, not to one more.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.and
      (i32.eq (memory.grow (i32.const 63)) (i32.const 1))
      (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))))
