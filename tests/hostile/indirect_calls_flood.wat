;; verdict: contained TRAP
;; time: 6.9 s
;; memory: 344 MiB
;; proves: calls through the table, the dearest two bytes there are, compile within limits up to a body's size.
(module
  (memory (export "memory") 1)
  (table $table 8 funcref)
  (type $number (func (result i32)))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    ;; repeat 9000
    (drop (call_indirect $table (type $number) (i32.const 0)))
    ;; end
    i32.const 1))
