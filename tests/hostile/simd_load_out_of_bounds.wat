;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a wide load is checked by its last byte.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i8x16.extract_lane_s 0 (v128.load (i32.const 65521)))))
