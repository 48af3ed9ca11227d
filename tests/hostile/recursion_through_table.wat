;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: recursion that the compiler cannot see ends at the stack limit as well.
(module
  (memory (export "memory") 1)
  (type $step (func (result i32)))
  (table 1 funcref)
  (elem (i32.const 0) $step)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func $step (export "evaluate") (result i32)
    (i32.add (i32.const 1) (call_indirect (type $step) (i32.const 0)))))
