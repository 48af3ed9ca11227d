;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: an odd address is the guest's own affair, and it finds its inputs there.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 3)
  (func (export "evaluate") (result i32)
    (i64.ne (i64.load (i32.const 3)) (i64.const 0))))
