;; verdict: refused at structure SEGMENT_PASSIVE
;; time: 0.2 s
;; memory: 8 MiB
;; proves: a passive element segment is refused: whether it was dropped would be state.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (elem $once func $some)
  (func $some)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.init $once (i32.const 0) (i32.const 0) (i32.const 1))
    (elem.drop $once)
    i32.const 1))
