;; verdict: contained TRAP
;; time: 0.6 s
;; memory: 24 MiB
;; proves: functions that call each other in a ring end where the stack does.
(module
  (memory (export "memory") 1)
  ;; repeat 500
  (func $f{n} (result i32) (call $g{n*7%500}))
  (func $g{n} (result i32) (call $f{n*3%500}))
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    call $f1))
