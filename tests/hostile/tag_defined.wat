;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a tag, which only exceptions use, is refused.
(module
  (memory (export "memory") 1)
  (tag (param i32))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
