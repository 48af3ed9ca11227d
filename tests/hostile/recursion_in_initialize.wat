;; verdict: contained TRAP
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the stack ends while an instance is prepared as it does later.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func $deep (export "_initialize")
    call $deep)
  (func (export "evaluate") (result i32)
    i32.const 0))
