;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a maximum is a wish: the memory ends at the limit all the same.
(module
  (memory (export "memory") 1 65536)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.eq (memory.grow (i32.const 65535)) (i32.const -1))))
