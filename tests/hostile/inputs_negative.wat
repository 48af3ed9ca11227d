;; verdict: contained BAD_INPUTS_ADDRESS
;; time: 0.5 s
;; memory: 8 MiB
;; proves: the host does not write inputs before the memory.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const -8)
  (func (export "evaluate") (result i32)
    i32.const 0))
