;; verdict: contained BAD_INPUTS_ADDRESS
;; time: 0.5 s
;; memory: 8 MiB
;; proves: a memory of no pages has no room for inputs.
(module
  (memory (export "memory") 0)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
