;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: address and offset are added without wrapping round to a valid address.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.load offset=0xffffffff (i32.const 8))))
