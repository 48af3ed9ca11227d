;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a global that would hold what a host hands in is refused: it could not be put back.
(module
  (memory (export "memory") 1)
  (global (mut externref) (ref.null extern))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
