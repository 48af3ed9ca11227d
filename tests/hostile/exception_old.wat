;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; proves: exceptions of the old proposal have no switch and are refused.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    try (result i32)
      i32.const 0
    catch_all
      i32.const 1
    end))
