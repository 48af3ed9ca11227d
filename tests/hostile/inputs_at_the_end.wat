;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an input block that ends with the memory is inside it.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 65504)
  (func (export "evaluate") (result i32)
    i32.const 1))
