;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: hints for branches that are not there are passed over.
(module
  (memory (export "memory") 1)
  (@custom "metadata.code.branch_hint" (before code) "\01\7f\01\00\01\01")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 1))
