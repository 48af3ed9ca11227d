;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: gc_support
;; proves: a reference that a collector would have to look after is refused.
(module
  (memory (export "memory") 1)
  (table 1 externref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
