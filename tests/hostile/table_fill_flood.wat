;; verdict: contained FUEL
;; time: 0.6 s
;; memory: 8 MiB
;; proves: filling the table again and again is charged by its elements.
(module
  (memory (export "memory") 1)
  (table $table 1024 funcref)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (loop $again
      (table.fill $table (i32.const 0) (ref.null func) (i32.const 1024))
      br $again)
    unreachable))
