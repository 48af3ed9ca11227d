;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: static data that were overwritten are back.
(module
  (memory (export "memory") 1)
  (data (i32.const 256) "\01")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.load8_u (i32.const 256))
    (i32.store8 (i32.const 256) (i32.const 2))))
