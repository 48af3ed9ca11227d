;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a table starts anew for every household: the first evaluation would change what the second calls.
(module
  (memory (export "memory") 1)
  (type $number (func (result i32)))
  (table $table 2 funcref)
  (elem (i32.const 0) $one $two)
  (func $one (result i32)
    i32.const 1)
  (func $two (result i32)
    i32.const 2)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (call_indirect $table (type $number) (i32.const 0))
    (table.set $table (i32.const 0) (table.get $table (i32.const 1)))))
