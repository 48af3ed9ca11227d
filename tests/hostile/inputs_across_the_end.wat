;; verdict: contained BAD_INPUTS_ADDRESS
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the host does not write a row of inputs that begins inside the memory and ends outside.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 65505)
  (func (export "evaluate") (result i32)
    i32.const 0))
