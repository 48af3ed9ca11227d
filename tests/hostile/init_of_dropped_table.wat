;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a segment of the table is dropped once it has been used: copying from it again traps.
(module
  (memory (export "memory") 1)
  (table $table 1 funcref)
  (func $one)
  (elem $segment (i32.const 0) $one)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (table.init $table $segment (i32.const 0) (i32.const 0) (i32.const 1))
    i32.const 1))
